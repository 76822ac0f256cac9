/* meter FILE COMMAND [ARGUMENT...]
 *
 * Runs a command and writes to FILE one line of four numbers: when the command was started and when
 * it had ended, in nanoseconds of CLOCK_MONOTONIC; the most memory, in KiB, that it or a process
 * that it waited for ever had; and its status, as wait() has it.
 *
 * This is no part of the Python program because a process is charged with the memory that its
 * parent had when it was started.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: meter FILE COMMAND [ARGUMENT...]\n");
        return 2;
    }
    long long begin = now();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
        perror("meter");
        return 1;
    }
    long long end = now();
    FILE *file = fopen(argv[1], "w");
    if (!file || fprintf(file, "%lld %lld %ld %d\n", begin, end, usage.ru_maxrss, status) < 0 ||
        fclose(file) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
