/*
 * Starts Python for paexec-trio, paargs-trio, pareorder-trio and patop-trio: this file, installed under each of
 * these names, is what users run.
 *
 * Python itself acts before a line of ours does, and four of its acts must not be seen:
 *
 *  - PYTHONHOME, PYTHONPATH and the like, which the user set for calculators, would change or break
 *    it: it is started isolated (-I), and calculators still find these variables.
 *  - An interrupt while it starts would end in a traceback: the signals that end a run are blocked
 *    until it is ready for them, and so are those that ask something of it. As the first process of a container it would lose them otherwise.
 *  - It refuses to start where standard input is a directory: that is put aside.
 *  - It ignores SIGPIPE and SIGXFSZ, so that nobody can tell any more how they were set: which
 *    signals were ignored, and which were blocked, is told in the arguments.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef BUILT_FOR
#error "BUILT_FOR: the interpreter that the package is built with, a string"
#endif

/* Arguments: the directory above that of the programs, the program's name, the hexadecimal sets of
 * blocked and ignored signals, the descriptor of standard input, and the argument vector of the
 * call. Without -S, Python would take half as long again to start; what site does is needed only
 * for an editable installation. */
static const char boot[] =
    "import sys\n"
    "try:\n"
    "    lib = sys.argv[1] + '/lib/python%d.%d/' % sys.version_info[:2]\n"
    "    sys.path += [lib + 'site-packages', lib + 'dist-packages']\n"
    "    try:\n"
    "        from paexec_trio.cli.launch import main\n"
    "    except ModuleNotFoundError:\n"
    "        import site\n"
    "        for directory in sys.path[-2:]: site.addsitedir(directory)\n"
    "        site.main()\n"
    "        from paexec_trio.cli.launch import main\n"
    "except BaseException as error:\n"
    "    import posix\n"
    "    text = '%s: cannot start: %s %s\\n' % (sys.argv[2], type(error).__name__, error)\n"
    "    posix.write(2, text.encode('utf-8', 'surrogateescape'))\n"
    "    posix._exit(1)\n"
    "main()\n";

/* What Python takes at least to start: less ends in pages of its own diagnostics. */
static const size_t needed_memory = 32 << 20;
static const int needed_descriptors = 3;

static const int last_signal = 64;

static int fail(const char *program, const char *what, const char *reason)
{
    fprintf(stderr, "%s: %s: %s\n", program, what, reason);
    return 1;
}

/* Signals are bits, as in the kernel's /proc/PID/status: SIGHUP is bit 0. */
static unsigned long long blocked_signals(const sigset_t *mask)
{
    unsigned long long set = 0;
    for (int number = 1; number <= last_signal; number++)
        if (sigismember(mask, number) == 1)
            set |= 1ULL << (number - 1);
    return set;
}

static unsigned long long ignored_signals(void)
{
    unsigned long long set = 0;
    struct sigaction action;
    for (int number = 1; number <= last_signal; number++)
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            set |= 1ULL << (number - 1);
    return set;
}

static int is_directory(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

int main(int argc, char **argv)
{
    static char self[PATH_MAX], prefix[PATH_MAX + 4], python[PATH_MAX + 8];
    char blocked[20], ignored[20], standard_input[12];
    const char *called = argc > 0 ? argv[0] : "paexec-trio";
    if (strrchr(called, '/'))
        called = strrchr(called, '/') + 1;

    sigset_t ending, before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigaddset(&ending, SIGQUIT);
    sigaddset(&ending, SIGUSR1);
    sigaddset(&ending, SIGUSR2);
#ifdef SIGINFO
    sigaddset(&ending, SIGINFO);
#endif
    sigprocmask(SIG_BLOCK, &ending, &before);
    snprintf(blocked, sizeof blocked, "%llx", blocked_signals(&before));
    snprintf(ignored, sizeof ignored, "%llx", ignored_signals());

    if (!realpath((const char *)getauxval(AT_EXECFN), self))
        return fail(called, "its own path", strerror(errno));
    char *name = strrchr(self, '/');
    *name++ = '\0'; /* self is the directory now */
    snprintf(prefix, sizeof prefix, "%s/..", self);
    snprintf(python, sizeof python, "%s/python3", self);

    int input = 0;
    if (is_directory(0) && (input = dup(0)) >= 0)
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    snprintf(standard_input, sizeof standard_input, "%d", input);

    int opened = 0;
    while (opened < needed_descriptors && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        opened++;
    void *memory = mmap(NULL, needed_memory, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (opened < needed_descriptors || memory == MAP_FAILED)
        return fail(called, "cannot start Python", strerror(errno));

    char **arguments = calloc((size_t)argc + 11, sizeof *arguments);
    if (!arguments)
        return fail(called, "starting", strerror(errno));
    char **next = arguments + 1;
    *next++ = "-IS";
    *next++ = "-Xutf8"; /* arguments are octets; no locale may change them */
    *next++ = "-c";
    *next++ = (char *)boot;
    *next++ = prefix;
    *next++ = name;
    *next++ = blocked;
    *next++ = ignored;
    *next++ = standard_input;
    memcpy(next, argv, (size_t)argc * sizeof *argv);

    const char *candidates[] = {python, BUILT_FOR, "python3"};
    for (int i = 0; i < 3; i++) {
        arguments[0] = (char *)candidates[i];
        execvp(candidates[i], arguments);
        if (errno != ENOENT)
            break;
    }
    return fail(called, arguments[0], strerror(errno));
}
