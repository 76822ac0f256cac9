/* The calculator of the benchmarks. It answers each line of its standard input in one write, or in
 * as few as there can be:
 *
 *     calculator echo                 with the line
 *     calculator say TEXT             with TEXT
 *     calculator lines COUNT SIZE     with COUNT lines of SIZE octets, the newline included
 *     calculator work LONG SHORT      with the line, a number, after LONG milliseconds if 20 divides
 *                                     it, after SHORT otherwise
 *
 * and with an empty line, the end-of-task marker. As a command, for -x:
 *
 *     calculator print COUNT SIZE     prints such lines, and ends
 *     calculator once MILLISECONDS LINE   prints LINE after so long, and ends
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char out[1 << 16];
static size_t used;

static void fail(const char *text)
{
    fprintf(stderr, "calculator: %s\n", text);
    exit(1);
}

static void flush_out(void)
{
    for (size_t done = 0; done < used;) {
        ssize_t written = write(1, out + done, used - done);
        if (written < 0)
            fail("cannot write");
        done += (size_t)written;
    }
    used = 0;
}

/* Where the next octets go, and how many of so many there is room for. */
static char *room(size_t *size)
{
    if (used == sizeof out)
        flush_out();
    if (*size > sizeof out - used)
        *size = sizeof out - used;
    used += *size;
    return out + used - *size;
}

static void put(const char *text, size_t size)
{
    while (size > 0) {
        size_t part = size;
        char *place = room(&part);
        memcpy(place, text, part);
        text += part;
        size -= part;
    }
}

static void put_lines(size_t count, size_t size)
{
    while (count-- > 0) {
        for (size_t left = size - 1; left > 0;) {
            size_t part = left;
            char *place = room(&part);
            memset(place, 'x', part);
            left -= part;
        }
        put("\n", 1);
    }
}

int main(int argc, char **argv)
{
    static char in[1 << 16];
    size_t have = 0;
    size_t count = 0, size = 0;
    const char *what = argc > 1 ? argv[1] : "";

    if ((!strcmp(what, "lines") || !strcmp(what, "print")) && argc > 3) {
        count = strtoul(argv[2], NULL, 10);
        size = strtoul(argv[3], NULL, 10);
    }
    if (!strcmp(what, "print")) {
        put_lines(count, size);
        flush_out();
        return 0;
    }
    if (!strcmp(what, "once") && argc > 3) {
        usleep(1000 * (useconds_t)strtoul(argv[2], NULL, 10));
        return puts(argv[3]) < 0;
    }
    for (;;) {
        ssize_t got = read(0, in + have, sizeof in - have);
        if (got <= 0)
            return got < 0;
        have += (size_t)got;
        char *line = in, *end;
        while ((end = memchr(line, '\n', (size_t)(in + have - line)))) {
            if (!strcmp(what, "echo")) {
                put(line, (size_t)(end + 1 - line));
            } else if (!strcmp(what, "work") && argc > 3) {
                usleep(1000 * (useconds_t)strtoul(argv[strtoul(line, NULL, 10) % 20 ? 3 : 2], NULL, 10));
                put(line, (size_t)(end + 1 - line));
            } else if (!strcmp(what, "say") && argc > 2) {
                put(argv[2], strlen(argv[2]));
                put("\n", 1);
            } else if (size > 0) {
                put_lines(count, size);
            } else {
                fail("what?");
            }
            put("\n", 1);
            flush_out();
            line = end + 1;
        }
        have = (size_t)(in + have - line);
        memmove(in, line, have);
        if (have == sizeof in)
            fail("the line is too long");
    }
}
