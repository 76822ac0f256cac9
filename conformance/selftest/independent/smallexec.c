/*
 * smallexec: a small distributor that was written from the specification alone and shares no code
 * with the reference implementation. A test of the suite that it fails although it does what the
 * specification says is too strict.
 *
 *     cc -O2 -o smallexec smallexec.c && pytest conformance --impl=$PWD/smallexec ...
 *
 * One loop around ppoll(2) reads tasks, hands them to calculators and prints results. Where the
 * specification leaves a choice it often chooses otherwise than the reference implementation:
 * nodes are process groups and not sessions; of several idle nodes the one of highest index gets
 * the next task, and of several ready tasks the one of highest id is next; a failure line goes
 * through the dependants breadth first; -d prints no weights; with -Z a node that has lived long
 * enough is started again at once; results are written in pieces of 4096 octets; calculators that
 * take long to end are waited for without a word. There are no -x, -X, -J and -W.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 65536,           /* octets of one read */
    MOST_WAITING = 4 * CHUNK /* octets of output in memory, beyond which no results are read */
};
static const double TIME_TO_END = 5.5;  /* seconds from the end of its input to SIGTERM */
static const double ANY_TIME = 1e6;     /* the same at the normal end: more than a week */
static const double TIME_TO_DIE = 1;    /* seconds from SIGTERM to SIGKILL */
static const char MAGIC_EOT[] = "HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5";

/* The octets data[begin] to data[end - 1]; the first of them up to data[seen] hold no terminator. */
struct buffer {
    char *data;
    size_t begin, end, size, seen;
};

struct task {
    size_t id, length;
    struct task *next; /* in the list of those that have to be done again */
    /* In a graph: */
    struct task *next_in_bucket, **dependants;
    size_t dependant_count, needed; /* how many tasks have to succeed first */
    char *weight;                   /* sign and digits */
    size_t mark;                    /* the id of the last failure that it was found to depend on */
    bool blocked;                   /* it depends on a task that did not succeed */
    char octets[];
};

enum status { NO_STATUS, SUCCESS, FAILURE };

struct node {
    char *name;
    pid_t pid;         /* 0: it has no process */
    int input, output; /* our ends of its pipes, -1 when closed */
    struct buffer unsent, line;
    struct task *task; /* that it holds */
    enum status status; /* by the last line of its result */
    bool dead;         /* it gets no further tasks */
    bool ended;        /* its process has ended; what it wrote may still have to be read */
    bool told;         /* that it writes outside of tasks */
    bool answered;     /* its process has ended a task */
    bool terminated;   /* it got SIGTERM */
    double started, deadline; /* when it was started, when it gets the next signal */
};

/* What the command line and the environment say. */
static const char *program, *eot, *fatal = "fatal", *shell;
static const char *success = "success", *failure = "failure", *weight_word = "weight:";
static int delimiter = ' '; /* -1: none */
static bool is_graph;
static const char *nodes_value, *transport_value, *command;
static char **free_words, **transport_words;
static size_t transport_length;
static bool is_free, nul_ends, print_eot, print_task, with_node, with_id, with_pid, debug;
static bool survive, wait_for_nodes, count_given;
static double restart_after; /* seconds, 0: never */

static struct node *nodes;
static size_t node_count;
static struct buffer input, output;
static bool input_ended, refused;
static struct task *again; /* tasks whose attempts failed, the last one first */
static size_t last_id, held;
static struct task **tasks, **ready; /* of a graph: all by their id, and a heap */
static size_t ready_count, remaining; /* tasks that may still have to be done */
static bool stopping;
static int exit_status, end_signal;
static sigset_t inherited_mask;
static struct rlimit inherited_limit;
static bool pipe_was_ignored;
static volatile sig_atomic_t caught;

/* ---- Small things ---------------------------------------------------------------------------- */

static void diagnose(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void diagnose(const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        exit(1);
    va_end(arguments);
    for (const char *octet = text; *octet; octet++) {
        if (*octet >= ' ' && *octet < 127)
            fputc(*octet, stderr);
        else
            fprintf(stderr, "\\x%02x", (unsigned char)*octet);
    }
    fputc('\n', stderr);
    free(text);
}

#define FAIL(...) (diagnose(__VA_ARGS__), exit(1))

static void *allocated(void *memory)
{
    if (!memory)
        FAIL("%s: out of memory", program);
    return memory;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static size_t length(const struct buffer *buffer)
{
    return buffer->end - buffer->begin;
}

/* Make room for some octets and return where they go. */
static char *room(struct buffer *buffer, size_t count)
{
    if (buffer->size - buffer->end < count && buffer->begin) {
        memmove(buffer->data, buffer->data + buffer->begin, length(buffer));
        buffer->end -= buffer->begin;
        buffer->seen -= buffer->begin;
        buffer->begin = 0;
    }
    if (buffer->size - buffer->end < count) {
        buffer->size = 2 * buffer->size + count;
        buffer->data = allocated(realloc(buffer->data, buffer->size));
    }
    return buffer->data + buffer->end;
}

static void append(struct buffer *buffer, const void *octets, size_t count)
{
    if (count)
        memcpy(room(buffer, count), octets, count);
    buffer->end += count;
}

static void append_text(struct buffer *buffer, const char *text)
{
    append(buffer, text, strlen(text));
}

static void empty(struct buffer *buffer)
{
    if (buffer->size > 16 * CHUNK) {
        free(buffer->data);
        memset(buffer, 0, sizeof *buffer);
    }
    buffer->begin = buffer->end = buffer->seen = 0;
}

static void drop(struct buffer *buffer, size_t count)
{
    buffer->begin += count;
    if (buffer->seen < buffer->begin)
        buffer->seen = buffer->begin;
    if (buffer->begin == buffer->end)
        empty(buffer);
}

/* Where the first terminator is, or NULL. No octet is looked at twice. */
static char *find(struct buffer *buffer, char terminator)
{
    size_t rest = buffer->end - buffer->seen;
    char *found = rest ? memchr(buffer->data + buffer->seen, terminator, rest) : NULL;
    buffer->seen = found ? (size_t)(found - buffer->data) : buffer->end;
    return found;
}

static void close_pipe(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

/* ---- Usage ----------------------------------------------------------------------------------- */

static void help(void)
{
    puts("usage: smallexec [OPTION]... -n NODES -c COMMAND | -C [--] COMMAND [ARG]...\n"
         " -n NODES      +N, names or :FILE       -t TRANSPORT  reaches named nodes\n"
         " -c COMMAND    the calculator           -C            the free arguments are it\n"
         " -0            tasks end with NUL       -y            the magic EOT\n"
         " -m t=EOT      the EOT                  -m F=TEXT     the line for failed attempts\n"
         " -e -E         print the EOT            -i -I         print the tasks\n"
         " -r -l -p      prefixes: node, task id, process id\n"
         " -g -s         the input is a graph     -m s= f= d= w= its words\n"
         " -z            go on without nodes that die\n"
         " -Z SECONDS    -z, and start them again -w            wait for that if none lives\n"
         " -d            debugging                -h -V         this text, the version\n"
         "A calculator that does not end after its input is waited for. What is left of a dead\n"
         "node gets SIGTERM after 5.5 seconds, SIGKILL 1 second later; if the run ends early it\n"
         "gets SIGTERM at once. What is left of the process group of a calculator that has ended\n"
         "gets SIGKILL.");
}

static void set_word(const char *text)
{
    if (!text[0] || text[1] != '=' || !strchr("sfFtdw", text[0]))
        FAIL("%s: bad argument for -m: %s", program, text);
    if (text[0] == 'd' && strlen(text) > 3)
        FAIL("%s: bad argument for -md=. At most one character is allowed: %s", program, text);
    if (strchr("sfF", text[0]) && strpbrk(text, "'\""))
        FAIL("%s: symbols ' and \" are not allowed in -m argument: %s", program, text);
    if (strchr("sfFw", text[0]) && strchr(text, '\n'))
        FAIL("%s: a newline in -m: %s", program, text);
    if (text[0] == 't')
        eot = text + 2;
    if (text[0] == 'F')
        fatal = text + 2;
    if (text[0] == 's')
        success = text + 2;
    if (text[0] == 'f')
        failure = text + 2;
    if (text[0] == 'w')
        weight_word = text + 2;
    if (text[0] == 'd')
        delimiter = text[2] ? (unsigned char)text[2] : -1;
}

static void set_restart(const char *text)
{
    size_t digits = strspn(text, "0123456789"), dot = text[digits] == '.';
    size_t more = dot ? strspn(text + digits + 1, "0123456789") : 0;
    if (digits + more == 0 || text[digits + dot + more])
        FAIL("%s: invalid argument for option -Z: %s", program, text);
    restart_after = strtod(text, NULL);
    survive = true;
}

static void read_options(int count, char **words)
{
    int option;
    while ((option = getopt(count, words, "+:n:t:c:C0ym:eEiIrlpgszZ:wdhV")) != -1)
        switch (option) {
        case 'n': nodes_value = optarg; break;
        case 't': transport_value = optarg; break;
        case 'c': command = optarg; is_free = false; break;
        case 'C': is_free = true; break;
        case '0': nul_ends = true; break;
        case 'y': eot = MAGIC_EOT; break;
        case 'm': set_word(optarg); break;
        case 'e': case 'E': print_eot = true; break;
        case 'i': case 'I': print_task = true; break;
        case 'r': with_node = true; break;
        case 'l': with_id = true; break;
        case 'p': with_pid = true; break;
        case 'g': case 's': is_graph = true; break;
        case 'z': survive = true; break;
        case 'Z': set_restart(optarg); break;
        case 'w': wait_for_nodes = true; break;
        case 'd': debug = true; break;
        case 'h': help(); exit(0);
        case 'V': puts("smallexec 1.0"); exit(0);
        case ':': FAIL("%s: option requires an argument -- '%c'", program, optopt);
        default: FAIL("%s: invalid option -- '%c'", program, optopt);
        }
    free_words = words + optind;
    if (is_free && !*free_words)
        FAIL("%s: missing arguments for -C", program);
    if (!is_free && *free_words)
        FAIL("%s: extra arguments: %.200s", program, *free_words);
    if (!is_free && !command)
        FAIL("%s: -c option is mandatory!", program);
    if (wait_for_nodes && restart_after == 0)
        FAIL("%s: -w is useless without -Z", program);
    if (!eot)
        eot = getenv("PAEXEC_EOT");
    if (!eot)
        eot = "";
    if (strchr(eot, '\n'))
        FAIL("%s: a newline in the EOT: %s", program, "-mt=");
    shell = getenv("PAEXEC_SH");
    if (!shell || !*shell)
        shell = "/bin/sh";
}

static void add_transport_word(const struct buffer *word)
{
    transport_words = allocated(realloc(transport_words, (transport_length + 4) * sizeof(char *)));
    transport_words[transport_length++] = allocated(strndup(word->data + word->begin, length(word)));
}

/* Split the value of -t by the quoting rules of the shell. */
static void read_transport(const char *text)
{
    struct buffer word = {0};
    bool is_word = false, bad = false;
    char quote = 0;
    room(&word, 1);
    for (const char *at = text; *at; at++) {
        if (quote == '\'' && *at != quote) {
            append(&word, at, 1);
        } else if (*at == quote) {
            quote = 0;
        } else if (!quote && (*at == '\'' || *at == '"')) {
            quote = *at;
            is_word = true;
        } else if (*at == '\\' && (!quote || (at[1] && strchr("$`\"\\\n", at[1])))) {
            at++;
            if (*at != '\n') {
                is_word = true;
                append(&word, at, 1);
            }
            if (!*at) {
                bad = true;
                break;
            }
        } else if (!quote && strchr(" \t\n", *at)) {
            if (is_word)
                add_transport_word(&word);
            is_word = false;
            empty(&word);
        } else {
            is_word = true;
            append(&word, at, 1);
        }
    }
    if (bad || quote)
        FAIL("%s: unbalanced quotes in -t: %s", program, text);
    if (is_word)
        add_transport_word(&word);
    free(word.data);
}

static void add_node(const char *name, size_t count)
{
    if (count && *name == '-')
        FAIL("%s: invalid argument for option -n: a name begins with -: %s", program, nodes_value);
    nodes = allocated(realloc(nodes, (node_count + 1) * sizeof *nodes));
    nodes[node_count] = (struct node){.input = -1, .output = -1};
    nodes[node_count++].name = allocated(strndup(name, count));
}

static void read_node_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t count;
    if (!file)
        FAIL("%s: invalid argument for option -n: %s: %s", program, path, strerror(errno));
    while ((count = getline(&line, &size, file)) >= 0) {
        char *begin = line, *end = line + count;
        if (memchr(line, 0, count))
            FAIL("%s: invalid argument for option -n: a NUL in %s", program, path);
        while (begin < end && strchr(" \t\r\n", end[-1]))
            end--;
        while (begin < end && strchr(" \t\r", *begin))
            begin++;
        if (begin < end && *begin != '#')
            add_node(begin, end - begin);
    }
    if (ferror(file))
        FAIL("%s: invalid argument for option -n: %s: %s", program, path, strerror(errno));
    fclose(file);
    free(line);
}

static void read_nodes(void)
{
    const char *gaps = " \t\r\n", *text = nodes_value ? nodes_value : getenv("PAEXEC_NODES");
    if (!text)
        FAIL("%s: -n option is mandatory!", program);
    nodes_value = text;
    if (*text == '+') {
        char *end, name[32];
        unsigned long count = strtoul(text + 1, &end, 10);
        if (!isdigit((unsigned char)text[1]) || *end || !count || count > INT_MAX)
            FAIL("%s: invalid argument for option -n: %s", program, text);
        count_given = true;
        while (node_count < count)
            add_node(name, snprintf(name, sizeof name, "%zu", node_count));
    } else if (*text == ':') {
        read_node_file(text + 1);
    } else {
        text += strspn(text, gaps);
        if (!isalnum((unsigned char)*text) && *text != '_' && *text != '/')
            FAIL("%s: invalid argument for option -n: %s", program, nodes_value);
        for (size_t count; *text; text += count, text += strspn(text, gaps)) {
            count = strcspn(text, gaps);
            add_node(text, count);
        }
    }
    if (!node_count)
        FAIL("%s: invalid argument for option -n: no node in %s", program, nodes_value);
}

/* ---- Starting calculators -------------------------------------------------------------------- */

static void append_quoted(struct buffer *line, const char *word)
{
    append_text(line, " '");
    for (; *word; word++)
        if (*word == '\'')
            append_text(line, "'\\''");
        else
            append(line, word, 1);
    append_text(line, "'");
}

/* The same command line for shells that read \, ! or newlines between quotes in ways of their own:
 * after a backslash, outside of quotes, they do not. printf makes newlines of \n on the node. */
static char *for_login_shells(char *line)
{
    struct buffer wrapped = {0};
    if (!strpbrk(line, "\\!\n"))
        return line;
    append_text(&wrapped, "/bin/sh -c 'eval \"exec $(printf %b \"$0\")\"' '");
    for (; *line; line++)
        if (*line == '\'')
            append_text(&wrapped, "'\\''");
        else if (*line == '\\')
            append_text(&wrapped, "'\\\\\\\\'");
        else if (*line == '!')
            append_text(&wrapped, "'\\!'");
        else if (*line == '\n')
            append_text(&wrapped, "'\\\\n'");
        else
            append(&wrapped, line, 1);
    append_text(&wrapped, "'");
    append(&wrapped, "", 1);
    return wrapped.data;
}

/* Complete the environment for local calculators; append it to the command line for other ones. */
static void read_environment(struct buffer *line)
{
    const char *names = getenv("PAEXEC_ENV"), *separators = " ,";
    for (size_t count; names && *(names += strspn(names, separators)); names += count) {
        count = strcspn(names, separators);
        char *name = allocated(strndup(names, count)), *setting;
        const char *value = getenv(name);
        if (*name == '-' || strchr(name, '='))
            FAIL("%s: bad name in PAEXEC_ENV: %s", program, name);
        if (asprintf(&setting, "%s=%s", name, value ? value : "") < 0)
            allocated(NULL);
        append_quoted(line, setting);
        setenv(name, value ? value : "", 1);
        free(setting);
        free(name);
    }
    char *setting;
    if (asprintf(&setting, "PAEXEC_EOT=%s", eot) < 0)
        allocated(NULL);
    append_quoted(line, setting);
    free(setting);
    setenv("PAEXEC_EOT", eot, 1);
}

/* The words that start a calculator: local ones, or a transport's with NULL for the node's name. */
static char **launch_words(void)
{
    static char *local[] = {NULL, "-c", NULL, NULL};
    struct buffer line = {0};
    append_text(&line, "env");
    read_environment(&line);
    if (!transport_length) {
        local[0] = (char *)shell;
        local[2] = (char *)command;
        return is_free ? free_words : local;
    }
    if (is_free) {
        if (strchr(*free_words, '=')) /* which would be a variable for env */
            append_text(&line, " /bin/sh -c 'exec \"$@\"' sh");
        for (char **word = free_words; *word; word++)
            append_quoted(&line, *word);
    } else {
        append_quoted(&line, shell);
        append_text(&line, " -c");
        append_quoted(&line, command);
    }
    append(&line, "", 1);
    transport_words[transport_length] = NULL;
    transport_words[transport_length + 1] = for_login_shells(line.data);
    transport_words[transport_length + 2] = NULL;
    return transport_words;
}

static void be_node(struct node *node, char **words, int from, int to)
{
    setpgid(0, 0);
    dup2(from, STDIN_FILENO);
    dup2(to, STDOUT_FILENO);
    setrlimit(RLIMIT_NOFILE, &inherited_limit);
    if (!pipe_was_ignored)
        signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &inherited_mask, NULL);
    if (transport_length)
        words[transport_length] = node->name;
    execvp(words[0], words);
    diagnose("%s: cannot run %s: %s", program, words[0], strerror(errno));
    _exit(127);
}

/* Whether the node could be started; otherwise it is dead. */
static bool start(struct node *node, char **words)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    bool good = !pipe2(to, O_CLOEXEC) && !pipe2(from, O_CLOEXEC) && (node->pid = fork()) >= 0;
    int error = errno;
    if (good && !node->pid)
        be_node(node, words, to[0], from[1]);
    close_pipe(&to[0]);
    close_pipe(&from[1]);
    node->started = now();
    if (!good) {
        close_pipe(&to[1]);
        close_pipe(&from[0]);
        node->pid = 0;
        node->dead = true;
        diagnose("%s: cannot start node %s: %s", program, node->name, strerror(error));
        return false;
    }
    setpgid(node->pid, node->pid);
    node->input = to[1];
    node->output = from[0];
    fcntl(node->input, F_SETFL, O_NONBLOCK);
    fcntl(node->output, F_SETFL, O_NONBLOCK);
    node->dead = node->ended = node->terminated = node->answered = false;
    node->deadline = 0;
    empty(&node->line);
    if (debug)
        diagnose("%s: node %s is process %d", program, node->name, (int)node->pid);
    return true;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static struct task *new_task(const char *octets, size_t count)
{
    struct task *task = allocated(malloc(sizeof *task + count + 1));
    *task = (struct task){.id = ++last_id, .length = count};
    memcpy(task->octets, octets, count);
    return task;
}

/* How long the first task of the input is, its terminator not counted; -1: it is not whole yet. */
static ssize_t first_task(void)
{
    char *end = find(&input, nul_ends ? 0 : '\n');
    if (end)
        return end - (input.data + input.begin);
    if (!input_ended || !length(&input))
        return -1;
    return length(&input) - (nul_ends && input.data[input.end - 1] == '\n');
}

static bool input_waits(void)
{
    ssize_t count = refused ? -1 : first_task();
    if (count > 0 && memchr(input.data + input.begin, '\n', count)) {
        diagnose("%s: task %zu contains a newline", program, last_id + 1);
        refused = input_ended = true;
        exit_status = 1;
    }
    return count >= 0 && !refused;
}

static void drop_first_task(size_t count)
{
    if (find(&input, nul_ends ? 0 : '\n'))
        drop(&input, count + 1);
    else
        empty(&input);
}

/* ---- Graphs ---------------------------------------------------------------------------------- */

/* Compare decimal numbers of any length. */
static int compare(const char *a, const char *b)
{
    bool minus_a = *a == '-', minus_b = *b == '-';
    a += strspn(a, "+-");
    b += strspn(b, "+-");
    a += strspn(a, "0");
    b += strspn(b, "0");
    int sign_a = *a ? 1 - 2 * minus_a : 0, sign_b = *b ? 1 - 2 * minus_b : 0;
    if (sign_a != sign_b)
        return sign_a - sign_b;
    size_t length_a = strlen(a), length_b = strlen(b);
    return sign_a * (length_a != length_b ? (length_a > length_b) - (length_a < length_b)
                                          : strcmp(a, b));
}

static bool goes_before(const struct task *a, const struct task *b)
{
    int order = compare(a->weight ? a->weight : "1", b->weight ? b->weight : "1");
    return order ? order > 0 : a->id > b->id;
}

static void swap(size_t i, size_t j)
{
    struct task *task = ready[i];
    ready[i] = ready[j];
    ready[j] = task;
}

static void make_ready(struct task *task)
{
    size_t i = ready_count++;
    for (ready[i] = task; i && goes_before(ready[i], ready[(i - 1) / 2]); i = (i - 1) / 2)
        swap(i, (i - 1) / 2);
}

static struct task *take_ready(void)
{
    struct task *task = ready[0];
    ready[0] = ready[--ready_count];
    for (size_t i = 0, child; (child = 2 * i + 1) < ready_count; i = child) {
        if (child + 1 < ready_count && goes_before(ready[child + 1], ready[child]))
            child++;
        if (goes_before(ready[i], ready[child]))
            break;
        swap(i, child);
    }
    return task;
}

/* Room for one more element after count of them, which grows by doubling. */
static void *grown(void *elements, size_t count, size_t size)
{
    return count & (count - 1) ? elements : allocated(realloc(elements, size * (2 * count + 1)));
}

/* The task of this name, which is new if it was not seen before. */
static struct task *task_of(const char *name, size_t count)
{
    static struct task *buckets[1 << 18];
    unsigned long hash = 5381;
    struct task *task;
    for (size_t i = 0; i < count; i++)
        hash = hash * 33 ^ (unsigned char)name[i];
    struct task **bucket = &buckets[(hash ^ hash >> 20) % (sizeof buckets / sizeof *buckets)];
    for (task = *bucket; task; task = task->next_in_bucket)
        if (task->length == count && !memcmp(task->octets, name, count))
            return task;
    tasks = grown(tasks, last_id, sizeof *tasks);
    task = tasks[last_id] = new_task(name, count);
    task->next_in_bucket = *bucket;
    return *bucket = task;
}

/* Whether a line of the graph is a good one. */
static bool read_graph_line(const char *line, size_t count)
{
    const char *end = line + count, *words[4] = {line};
    static size_t lines;
    int number = 1;
    lines++;
    for (const char *at = line; delimiter >= 0 && at < end && number < 4; at++)
        if ((unsigned char)*at == delimiter)
            words[number++] = at + 1;
    if (number == 1) {
        task_of(line, count);
    } else if (number == 2) {
        struct task *before = task_of(line, words[1] - 1 - line);
        struct task *after = task_of(words[1], end - words[1]);
        before->dependants = grown(before->dependants, before->dependant_count, sizeof after);
        before->dependants[before->dependant_count++] = after;
        after->needed++;
    } else {
        size_t first = words[1] - 1 - line;
        if (number > 3 || first != strlen(weight_word) || memcmp(line, weight_word, first))
            return false;
        char *weight = allocated(strndup(words[2], end - words[2]));
        const char *digits = weight + (*weight == '-' || *weight == '+');
        if (!*digits || digits[strspn(digits, "0123456789")] || strlen(weight) + words[2] != end)
            return false;
        if (strlen(digits) > 1000) {
            diagnose("line %zu: a weight of %zu digits", lines, strlen(digits));
            return false;
        }
        struct task *task = task_of(words[1], words[2] - 1 - words[1]);
        if (!task->weight || compare(weight, task->weight) > 0)
            task->weight = weight;
    }
    return true;
}

/* Name the tasks of a cycle: each of the tasks that are left depends on another one of them. */
static void show_cycle(const size_t *needed)
{
    struct task **before = allocated(calloc(last_id, sizeof *before)), *task = NULL;
    for (size_t i = 0; i < last_id; i++)
        for (size_t j = 0; needed[i] && j < tasks[i]->dependant_count; j++)
            before[tasks[i]->dependants[j]->id - 1] = task = tasks[i];
    for (; !task->mark; task = before[task->id - 1]) /* the way back meets itself in a cycle */
        task->mark = 1;
    diagnose("Cyclic dependancy detected:");
    struct task *after = task;
    do {
        struct task *one = before[after->id - 1];
        diagnose("  %.*s -> %.*s", (int)one->length, one->octets, (int)after->length, after->octets);
        after = one;
    } while (after != task);
    free(before);
}

/* Whether no task depends on itself: one after the other can be taken that needs none that is left. */
static bool is_acyclic(void)
{
    size_t *needed = allocated(calloc(last_id + 1, sizeof *needed)), first = 0, last = 0;
    struct task **taken = allocated(calloc(last_id + 1, sizeof *taken));
    for (size_t i = 0; i < last_id; i++)
        if (!(needed[i] = tasks[i]->needed))
            taken[last++] = tasks[i];
    for (; first < last; first++)
        for (size_t j = 0; j < taken[first]->dependant_count; j++)
            if (!--needed[taken[first]->dependants[j]->id - 1])
                taken[last++] = taken[first]->dependants[j];
    if (last < last_id)
        show_cycle(needed);
    free(needed);
    free(taken);
    return last == last_id;
}

/* Whether the whole input is a good graph. */
static bool read_graph(void)
{
    ssize_t count;
    for (size_t number = 1; (count = first_task()) >= 0; number++) {
        const char *line = input.data + input.begin;
        if (!read_graph_line(line, count)) {
            diagnose("Bad input line: %.*s%s (line %zu)", (int)(count > 200 ? 200 : count), line,
                     count > 200 ? "..." : "", number);
            return false;
        }
        drop_first_task(count);
    }
    for (size_t i = 0; i < last_id; i++)
        if (memchr(tasks[i]->octets, '\n', tasks[i]->length)) {
            diagnose("%s: task %zu contains a newline", program, tasks[i]->id);
            return false;
        }
    if (!is_acyclic())
        return false;
    ready = allocated(calloc(last_id + 1, sizeof *ready));
    remaining = last_id;
    for (size_t i = 0; i < last_id; i++) {
        tasks[i]->mark = 0;
        if (!tasks[i]->needed)
            make_ready(tasks[i]);
    }
    return true;
}

/* The task itself and its direct and indirect dependants will not be done; their names. */
static struct buffer block(struct task *failed)
{
    struct buffer names = {0}, queue = {0};
    failed->mark = failed->id;
    append(&queue, &failed, sizeof failed);
    while (length(&queue)) {
        struct task *task;
        memcpy(&task, queue.data + queue.begin, sizeof task);
        queue.begin += sizeof task;
        if (length(&names) || task != failed)
            append(&names, &(char){delimiter}, 1);
        append(&names, task->octets, task->length);
        remaining -= !task->blocked;
        task->blocked = true;
        for (size_t i = 0; i < task->dependant_count; i++)
            if (task->dependants[i]->mark != failed->id) {
                task->dependants[i]->mark = failed->id;
                append(&queue, &task->dependants[i], sizeof task);
            }
    }
    free(queue.data);
    return names;
}

static void succeed(struct task *task)
{
    remaining--;
    for (size_t i = 0; i < task->dependant_count; i++)
        if (!--task->dependants[i]->needed)
            make_ready(task->dependants[i]);
}

static bool task_waits(void)
{
    return again || (is_graph ? ready_count : input_waits());
}

static struct task *take_task(void)
{
    struct task *task = again;
    if (task) {
        again = task->next;
        return task;
    }
    if (is_graph)
        return take_ready();
    size_t count = first_task();
    task = new_task(input.data + input.begin, count);
    drop_first_task(count);
    return task;
}

/* ---- The end of nodes ------------------------------------------------------------------------ */

/* Close the input of a node; what does not end then gets signals. */
static void close_input(struct node *node, double patience)
{
    close_pipe(&node->input);
    empty(&node->unsent);
    if (node->pid && !node->deadline)
        node->deadline = now() + patience;
}

static void send_signal(struct node *node, int number)
{
    killpg(node->pid, number);
    node->terminated = true;
    node->deadline = now() + TIME_TO_DIE;
}

/* End the run before its time, by a signal or with an exit status. */
static void stop(int status, int number)
{
    if (!stopping) {
        exit_status = status;
        end_signal = number;
    }
    stopping = true;
    for (struct node *node = nodes; node < nodes + node_count; node++) {
        close_input(node, 0);
        if (node->pid && !node->terminated)
            send_signal(node, SIGTERM);
    }
}

static void print_line(struct node *node, const char *octets, size_t count)
{
    char number[32];
    if (with_node) {
        append_text(&output, node->name);
        append(&output, " ", 1);
    }
    if (with_id)
        append(&output, number, sprintf(number, "%zu ", node->task->id));
    if (with_pid)
        append(&output, number, sprintf(number, "%d ", (int)node->pid));
    append(&output, octets, count);
    append(&output, "\n", 1);
}

static void print_text(struct node *node, const char *text)
{
    print_line(node, text, strlen(text));
}

/* No tasks for this node any more; only with -z. */
static void die(struct node *node)
{
    node->dead = true;
    close_input(node, TIME_TO_END);
}

static void take_output(struct node *node, char *octets, size_t count);

/* Read what is in a node's pipe now and no more, since others may go on writing. */
static void read_rest(struct node *node)
{
    static char chunk[CHUNK];
    int rest = 0;
    ssize_t count = 1;
    if (node->output >= 0)
        ioctl(node->output, FIONREAD, &rest);
    for (; rest > 0 && count > 0; rest -= count) {
        count = read(node->output, chunk, rest < CHUNK ? rest : CHUNK);
        if (count > 0)
            take_output(node, chunk, count);
    }
}

/* A node that holds a task cannot finish it. */
static void lose(struct node *node, const char *reason)
{
    struct task *task = node->task;
    if (survive) {
        if (*fatal)
            print_text(node, fatal);
        if (print_eot)
            print_text(node, eot);
        task->next = again;
        again = task;
        node->task = NULL;
        held--;
        die(node);
    } else if (!stopping) {
        for (struct node *other = nodes; other < nodes + node_count; other++)
            read_rest(other);
        if (reason)
            diagnose("%s: Sending task to the node failed: %s: %s", program, node->name, reason);
        else
            diagnose("Node %s exited unexpectedly", node->name);
        stop(1, 0);
    }
}

/* The process of a node has ended: take its last words, and end its group. */
static void bury(struct node *node)
{
    read_rest(node);
    if (node->task)
        lose(node, NULL);
    killpg(node->pid, SIGKILL);
    waitpid(node->pid, NULL, 0);
    close_input(node, 0);
    close_pipe(&node->output);
    node->pid = 0;
    node->dead = true;
    node->ended = false;
}

static void look_for_ended(void)
{
    for (struct node *node = nodes; node < nodes + node_count; node++) {
        siginfo_t info = {0};
        if (node->pid && !node->ended)
            waitid(P_PID, node->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        node->ended |= info.si_pid != 0;
        if (node->ended && (stopping || length(&output) < MOST_WAITING))
            bury(node);
    }
}

/* ---- Results --------------------------------------------------------------------------------- */

static void take_status(struct node *node)
{
    struct task *task = node->task;
    if (node->status == SUCCESS) {
        succeed(task);
        return;
    }
    struct buffer names = block(task);
    if (node->status == FAILURE) {
        print_line(node, names.data, length(&names));
    } else {
        print_text(node, "?");
        diagnose("%s: no status of the task %.*s", program, (int)task->length, task->octets);
        exit_status = 1;
    }
    free(names.data);
}

static void finish_task(struct node *node)
{
    if (is_graph)
        take_status(node);
    if (print_eot)
        print_text(node, eot);
    if (!is_graph)
        free(node->task);
    node->task = NULL;
    node->answered = true;
    held--;
    if (survive && (node->input < 0 || node->output < 0))
        die(node);
}

static bool equal(const char *octets, size_t count, const char *text)
{
    return count == strlen(text) && !memcmp(octets, text, count);
}

/* Take what a node writes while it holds no task: it is out of step, unless its input is closed. */
static void take_stray(struct node *node, const char *octets, size_t count)
{
    const char *end;
    int shown = count > 200 ? 200 : count;
    if (node->input >= 0) {
        diagnose("%s: node %s wrote outside of a task: %.*s", program, node->name, shown, octets);
        if (node->answered)
            exit_status = 1;
        if (survive)
            die(node);
        else
            stop(1, 0);
        return;
    }
    append(&node->line, octets, count);
    while ((end = find(&node->line, '\n'))) {
        const char *begin = node->line.data + node->line.begin;
        if (node->answered && equal(begin, end - begin, eot)) {
            diagnose("%s: node %s wrote a result too many: %.*s", program, node->name, shown, octets);
            node->told = true;
            exit_status = 1;
        }
        drop(&node->line, end - begin + 1);
    }
    if (!node->told)
        diagnose("%s: node %s: octets outside of a task were discarded", program, node->name);
    node->told = true;
}

static void take_output(struct node *node, char *octets, size_t count)
{
    struct buffer *line = &node->line;
    char *end;
    if (!node->task) {
        if (!node->dead && !stopping)
            take_stray(node, octets, count);
        return;
    }
    append(line, octets, count);
    while (node->task && (end = find(line, '\n'))) {
        const char *begin = line->data + line->begin;
        size_t size = end - begin;
        if (equal(begin, size, eot)) {
            finish_task(node);
        } else {
            print_line(node, begin, size);
            node->status = equal(begin, size, success)   ? SUCCESS
                           : equal(begin, size, failure) ? FAILURE
                                                         : NO_STATUS;
        }
        drop(line, size + 1);
    }
    if (!node->task) {
        struct buffer rest = *line;
        *line = (struct buffer){0};
        if (length(&rest) && !node->dead && !stopping)
            take_stray(node, rest.data + rest.begin, length(&rest));
        free(rest.data);
    }
}

static void read_output(struct node *node)
{
    static char chunk[CHUNK];
    ssize_t count = read(node->output, chunk, sizeof chunk);
    if (count > 0) {
        take_output(node, chunk, count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_pipe(&node->output);
        if (node->task)
            lose(node, NULL);
        else if (survive)
            die(node);
    }
}

/* Nobody reads the input of a node any more. If it has its task it may finish it. */
static void lose_input(struct node *node, const char *reason)
{
    bool whole = !length(&node->unsent);
    close_pipe(&node->input);
    empty(&node->unsent);
    if (node->task && !whole)
        read_rest(node);
    if (node->task && !whole)
        lose(node, reason);
    else if (!node->task && survive)
        die(node);
}

static void send_input(struct node *node)
{
    struct buffer *unsent = &node->unsent;
    ssize_t count = write(node->input, unsent->data + unsent->begin, length(unsent));
    if (count > 0)
        drop(unsent, count);
    else if (count < 0 && errno != EAGAIN && errno != EINTR)
        lose_input(node, strerror(errno));
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

static struct node *idle_node(void)
{
    for (struct node *node = nodes + node_count; node-- > nodes;)
        if (!node->task && !(survive && node->dead))
            return node;
    return NULL;
}

static bool one_lives(void)
{
    for (struct node *node = nodes; node < nodes + node_count; node++)
        if (!node->dead)
            return true;
    return false;
}

static bool is_over(void)
{
    return input_ended && !task_waits() && !held && !remaining;
}

/* Whether an idle node may still get a task: one that another node holds may come again. */
static bool task_may_come(void)
{
    return !input_ended || task_waits() || remaining > held || (survive && held);
}

static void dispatch(void)
{
    struct node *node;
    while (!stopping && length(&output) < MOST_WAITING && task_waits() && (node = idle_node())) {
        node->task = take_task();
        node->status = NO_STATUS;
        held++;
        empty(&node->line);
        if (debug)
            diagnose("%s: task %zu goes to node %s", program, node->task->id, node->name);
        if (print_task)
            print_line(node, node->task->octets, node->task->length);
        if (node->input < 0) {
            lose(node, strerror(EPIPE));
            continue;
        }
        append(&node->unsent, node->task->octets, node->task->length);
        append(&node->unsent, "\n", 1);
        send_input(node);
    }
    if (!stopping && survive && task_waits() && !wait_for_nodes && !one_lives()) {
        diagnose("all nodes failed");
        stop(1, 0);
    }
    if (!task_may_come())
        for (node = nodes; node < nodes + node_count; node++)
            if (!node->task && node->input >= 0) {
                if (!length(&node->unsent))
                    close_input(node, ANY_TIME);
                else if (!node->deadline) /* it answered before it had read all of its task */
                    node->deadline = now() + TIME_TO_END;
            }
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* Start the nodes, of a graph when it is there and good. */
static void start_all(char **words)
{
    if (is_graph && !read_graph())
        stop(1, 0);
    for (struct node *node = nodes; node < nodes + node_count && !stopping; node++)
        if (!start(node, words) && !survive)
            stop(1, 0);
    if (!one_lives())
        stop(1, 0);
}

static void read_input(void)
{
    ssize_t count = read(STDIN_FILENO, room(&input, CHUNK), CHUNK);
    if (count > 0) {
        input.end += count;
    } else if (count == 0) {
        input_ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        diagnose("%s: cannot read standard input: %s", program, strerror(errno));
        stop(1, 0);
    }
}

static void output_failed(int error)
{
    empty(&output);
    if (error == EPIPE) {
        stop(0, SIGPIPE);
    } else {
        diagnose("%s: cannot write to standard output: %s", program, strerror(error));
        stop(1, 0);
    }
}

static void write_output(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    /* A pipe that is ready takes PIPE_BUF octets without blocking. */
    while (length(&output) && poll(&out, 1, 0) == 1) {
        size_t most = length(&output) < PIPE_BUF ? length(&output) : PIPE_BUF;
        ssize_t count = write(STDOUT_FILENO, output.data + output.begin, most);
        if (count > 0)
            drop(&output, count);
        else if (count < 0 && errno != EAGAIN && errno != EINTR)
            output_failed(errno);
    }
}

/* Do what the clock demands; the seconds until it demands more. */
static double follow_clock(char **words)
{
    double next = INFINITY, at = now();
    bool over = stopping || is_over();
    for (struct node *node = nodes; node < nodes + node_count; node++) {
        if (node->pid && node->deadline && node->deadline <= at)
            send_signal(node, node->terminated ? SIGKILL : SIGTERM);
        if (node->pid && node->deadline)
            next = fmin(next, node->deadline - at);
        if (!node->pid && node->dead && restart_after > 0 && !over) {
            if (node->started + restart_after <= at)
                start(node, words);
            next = fmin(next, node->dead ? node->started + restart_after - at : 0);
        }
    }
    return next;
}

static void catch(int number)
{
    if (number != SIGCHLD)
        caught = number;
}

static void wait_for_events(double seconds)
{
    static struct pollfd *polled;
    sigset_t mask = inherited_mask;
    if (!polled)
        polled = allocated(calloc(2 + 2 * node_count, sizeof *polled));
    bool full = length(&output) >= MOST_WAITING;
    bool reads = !stopping && !input_ended && !full && (is_graph || !input_waits());
    polled[0] = (struct pollfd){.fd = reads ? STDIN_FILENO : -1, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = end_signal ? -1 : STDOUT_FILENO,
                                .events = length(&output) ? POLLOUT : 0};
    for (size_t i = 0; i < node_count; i++) {
        struct node *node = &nodes[i];
        polled[2 + 2 * i] = (struct pollfd){.fd = node->input,
                                            .events = length(&node->unsent) ? POLLOUT : 0};
        polled[3 + 2 * i] = (struct pollfd){.fd = full && !stopping ? -1 : node->output,
                                            .events = POLLIN};
    }
    struct timespec time = {.tv_sec = seconds < 1e6 ? (time_t)seconds : 1000000};
    if (seconds < 1e6)
        time.tv_nsec = (seconds - time.tv_sec) * 1e9;
    int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigdelset(&mask, numbers[i]);
    if (ppoll(polled, 2 + 2 * node_count, &time, &mask) <= 0)
        return;
    if (polled[0].revents)
        read_input();
    if (polled[1].revents & POLLERR && !length(&output))
        output_failed(EPIPE);
    write_output();
    for (size_t i = 0; i < node_count; i++) {
        if (polled[3 + 2 * i].revents && nodes[i].output >= 0)
            read_output(&nodes[i]);
        if (polled[2 + 2 * i].revents && nodes[i].input >= 0) {
            if (length(&nodes[i].unsent))
                send_input(&nodes[i]);
            else if (polled[2 + 2 * i].revents & POLLERR)
                lose_input(&nodes[i], NULL);
        }
    }
}

static bool all_ended(void)
{
    for (struct node *node = nodes; node < nodes + node_count; node++)
        if (node->pid)
            return false;
    return true;
}

static void prepare_signals(void)
{
    struct sigaction old, action = {.sa_handler = catch};
    int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&blocked, numbers[i]);
        sigaction(numbers[i], NULL, &old);
        if (old.sa_handler != SIG_IGN || numbers[i] == SIGTERM || numbers[i] == SIGCHLD)
            sigaction(numbers[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &inherited_mask);
    pipe_was_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
}

static void end_by_signal(int number)
{
    sigset_t mask;
    signal(number, SIG_DFL);
    sigemptyset(&mask);
    sigaddset(&mask, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

/* Closed standard streams must not become pipes to nodes: what fails on them should go on failing. */
static void occupy_standard_streams(void)
{
    int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", modes[fd]);
}

int main(int count, char **arguments)
{
    program = arguments[0];
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    occupy_standard_streams();
    read_options(count, arguments);
    read_nodes();
    if (transport_value)
        read_transport(transport_value);
    else if (!count_given && getenv("PAEXEC_TRANSPORT"))
        read_transport(getenv("PAEXEC_TRANSPORT"));
    if (count_given)
        transport_length = 0;
    char **words = launch_words();
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &inherited_limit);
    limit = inherited_limit;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    prepare_signals();
    bool started = false;
    for (;;) {
        if (caught)
            stop(0, caught);
        if (!started && !stopping && (!is_graph || input_ended)) {
            started = true;
            start_all(words);
        }
        look_for_ended();
        dispatch();
        double patience = follow_clock(words);
        if ((stopping || is_over()) && all_ended() && (end_signal || !length(&output)))
            break;
        wait_for_events(patience);
    }
    if (end_signal)
        end_by_signal(end_signal);
    return exit_status;
}
