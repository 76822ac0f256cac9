/* link MILLISECONDS NODE COMMAND
 *
 * A transport to a node that is this machine, over a link on which octets take so long each way.
 * However many are on their way, none of them delays another one.
 *
 * The end of the input arrives at the command, and that of its output here, after the same time.
 * The exit status is the command's, or 128 and the number of the signal that ended it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, MOST_ON_THEIR_WAY = 1 << 24 };

/* What arrives at the same time; nothing is the end. */
struct chunk {
    struct chunk *next;
    long long due;
    size_t size, done;
    char octets[];
};

struct way {
    int from, to; /* -1: closed */
    struct chunk *first, **last;
    size_t on_their_way;
};

static long long delay; /* nanoseconds */

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void drop_first(struct way *way)
{
    struct chunk *chunk = way->first;
    way->on_their_way -= chunk->size;
    way->first = chunk->next;
    if (!way->first)
        way->last = &way->first;
    free(chunk);
}

static void close_end(struct way *way)
{
    close(way->to);
    way->to = -1;
    while (way->first)
        drop_first(way);
}

static void take(struct way *way)
{
    static char octets[CHUNK];
    ssize_t got = read(way->from, octets, sizeof octets);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        got = 0;
        close(way->from);
        way->from = -1;
    }
    if (way->to < 0)
        return;
    struct chunk *chunk = malloc(sizeof *chunk + (size_t)got);
    if (!chunk)
        fail("link");
    chunk->next = NULL;
    chunk->due = now() + delay;
    chunk->size = (size_t)got;
    chunk->done = 0;
    memcpy(chunk->octets, octets, (size_t)got);
    *way->last = chunk;
    way->last = &chunk->next;
    way->on_their_way += chunk->size;
}

static void deliver(struct way *way)
{
    while (way->first && way->first->due <= now()) {
        struct chunk *chunk = way->first;
        if (chunk->size == 0) {
            close_end(way);
            return;
        }
        ssize_t written = write(way->to, chunk->octets + chunk->done, chunk->size - chunk->done);
        if (written < 0) {
            if (errno != EAGAIN && errno != EINTR)
                close_end(way);
            return;
        }
        chunk->done += (size_t)written;
        if (chunk->done == chunk->size)
            drop_first(way);
    }
}

static pid_t start(const char *command, struct way *there, struct way *back)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        fail("link");
    pid_t pid = fork();
    if (pid < 0)
        fail("link");
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        fail("/bin/sh");
    }
    close(in[0]);
    close(out[1]);
    *there = (struct way){.from = 0, .to = in[1], .last = &there->first};
    *back = (struct way){.from = out[0], .to = 1, .last = &back->first};
    /* So that a full pipe does not stop the other way. */
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
    return pid;
}

int main(int argc, char **argv)
{
    struct way ways[2];
    int status;

    if (argc != 4) {
        fprintf(stderr, "usage: link MILLISECONDS NODE COMMAND\n");
        return 2;
    }
    delay = (long long)(strtod(argv[1], NULL) * 1e6);
    pid_t pid = start(argv[3], &ways[0], &ways[1]);
    signal(SIGPIPE, SIG_IGN);
    while (ways[1].to >= 0) {
        struct pollfd ends[4];
        long long wait = -1, time = now();
        for (int i = 0; i < 2; i++) {
            struct way *way = &ways[i];
            int may_read = way->from >= 0 && way->on_their_way < MOST_ON_THEIR_WAY;
            int is_due = way->first && way->first->due <= time;
            ends[2 * i] = (struct pollfd){.fd = may_read ? way->from : -1, .events = POLLIN};
            ends[2 * i + 1] = (struct pollfd){.fd = is_due ? way->to : -1, .events = POLLOUT};
            if (way->first && !is_due && (wait < 0 || way->first->due - time < wait))
                wait = way->first->due - time;
        }
        struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        if (ppoll(ends, 4, wait < 0 ? NULL : &timeout, NULL) < 0)
            fail("link");
        for (int i = 0; i < 2; i++) {
            if (ends[2 * i].revents)
                take(&ways[i]);
            if (ways[i].to >= 0)
                deliver(&ways[i]);
        }
    }
    if (waitpid(pid, &status, 0) < 0)
        fail("link");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
