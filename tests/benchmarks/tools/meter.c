/* meter FILE COMMAND [ARGUMENT...]
 *
 * Runs a command and writes to FILE one line of five numbers: when the command was started and when
 * it had ended, in nanoseconds of CLOCK_MONOTONIC; the nanoseconds in which its first thread had a
 * processor, those of processes that it started not included; the most memory, in KiB, that it or a
 * process that it waited for ever had; and its status, as wait() has it.
 *
 * This is no part of the Python program because a process is charged with the memory that its
 * parent had when it was started.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
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

/* Processor time of a process that has ended, but was not waited for. */
static long long processor_time(pid_t pid)
{
    char name[64];
    long long time = -1;
    snprintf(name, sizeof name, "/proc/%d/schedstat", (int)pid);
    FILE *file = fopen(name, "r");
    if (!file || fscanf(file, "%lld", &time) != 1) {
        perror(name);
        exit(1);
    }
    fclose(file);
    return time;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    siginfo_t info;
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
    if (pid < 0 || waitid(P_PID, pid, &info, WEXITED | WNOWAIT) < 0) {
        perror("meter");
        return 1;
    }
    long long end = now();
    long long time = processor_time(pid);
    if (wait4(pid, &status, 0, &usage) < 0) {
        perror("meter");
        return 1;
    }
    FILE *file = fopen(argv[1], "w");
    if (!file ||
        fprintf(file, "%lld %lld %lld %ld %d\n", begin, end, time, usage.ru_maxrss, status) < 0 ||
        fclose(file) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
