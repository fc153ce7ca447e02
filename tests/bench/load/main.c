/* Commands from standard input, answers as JSON lines: `clients N`, `stuck N`, `measure SECONDS`, `idle SECONDS`,
 * `echo HZ`, `mark HZ`, `quit`. It ends when its input ends. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#define LOOK_EVERY 32 /* events handled between two looks for answers that are timed */
#define JOIN_S 240.0  /* a command that brings clients in takes no longer */

struct options opt = {.side = "roomfleet", .host = "127.0.0.1", .room = "arena", .game = "arena",
                      .subprotocol = "roomfleet.v1", .parallel = 16, .echo_hz = 100, .marks = 100};
const struct side *side;

static int poller;

void die(const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fprintf(stderr, "load: %s\n", text);
    exit(1);
}

void watch(int fd, uint64_t what, bool writing, bool again) {
    struct epoll_event event = {.events = writing ? EPOLLOUT : EPOLLIN, .data.u64 = what};
    if (epoll_ctl(poller, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0) die("epoll: %s", strerror(errno));
}

void unwatch(int fd) { epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL); }

static void handle(const struct epoll_event *event) {
    if (event->data.u64 & JOINER_BIT)
        joining_event(event->data.u64 & ~JOINER_BIT, event->events);
    else
        client_event(&clients[event->data.u64], event->events);
}

/* One wait for events, no longer than until `until`, and what they bring. */
static void turn(double until) {
    struct epoll_event events[LOOK_EVERY];
    double now = now_s(), due = fmin(until, traffic_due());
    int wait = due <= now ? 0 : (int)ceil(fmin(due - now, 1) * 1000);
    int count = epoll_wait(poller, events, LOOK_EVERY, wait);
    if (count < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
    for (int i = 0; i < count; i++) handle(&events[i]);
    traffic(now_s());
}

void turn_until(double until) {
    while (now_s() < until) turn(until);
}

/* Let clients who are not wanted any more leave, a few at a time. False: all of them have. */
static bool leave_step(void) {
    int leaving = 0, staying = 0;
    for (int i = wanted; i < reached; i++) {
        if (clients[i].state == JOINED && leaving < opt.parallel) client_leave(&clients[i]);
        leaving += clients[i].state == LEAVING;
        staying += clients[i].state == JOINED;
    }
    return leaving || staying;
}

static void set_clients(int count) {
    if (count > MAX_CLIENTS) die("at most %d clients", MAX_CLIENTS);
    double began = now_s();
    int before = joined;
    wanted = count;
    while (!joining_step(now_s()) || leave_step()) {
        turn(now_s() + 0.02);
        if (now_s() - began > JOIN_S) die("only %d of %d clients came in within %g s", joined, wanted, JOIN_S);
    }
    double took = now_s() - began;
    printf("{\"clients\":%d,\"seconds\":%.2f,\"joins_per_s\":%.0f}\n", joined, took,
           joined > before ? (joined - before) / took : 0);
    fflush(stdout);
}

/* One more client, with little room for what it does not read. */
static void add_stuck(void) {
    int index = wanted;
    clients[index].stuck = true;
    set_clients(wanted + 1);
    unwatch(clients[index].fd);
}

static void options(int count, char **words) {
    for (int i = 1; i + 1 < count; i += 2) {
        const char *name = words[i], *value = words[i + 1];
        if (!strcmp(name, "--side")) opt.side = value;
        else if (!strcmp(name, "--host")) opt.host = value;
        else if (!strcmp(name, "--port")) opt.port = atoi(value);
        else if (!strcmp(name, "--game")) opt.game = value;
        else if (!strcmp(name, "--room")) opt.room = value;
        else if (!strcmp(name, "--subprotocol")) opt.subprotocol = value;
        else if (!strcmp(name, "--pid")) opt.pid = atoi(value);
        else if (!strcmp(name, "--parallel")) opt.parallel = atoi(value);
        else if (!strcmp(name, "--echo-hz")) opt.echo_hz = atof(value);
        else if (!strcmp(name, "--mark-hz")) opt.mark_hz = atof(value);
        else if (!strcmp(name, "--marks")) opt.marks = atoi(value);
        else die("there is no option %s", name);
    }
    if (strncmp(opt.host, "127.", 4)) die("%s: only this machine's own addresses, 127.x.x.x, are loaded", opt.host);
    if (opt.parallel < 1 || opt.parallel > MAX_PARALLEL) die("--parallel: 1 to %d", MAX_PARALLEL);
    side = !strcmp(opt.side, "colyseus") ? &colyseus : &roomfleet;
}

int main(int count, char **words) {
    options(count, words);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(EPOLL_CLOEXEC);
    joining_start();
    /* Standard input is watched, too: clients must be served between two commands. */
    char line[256];
    size_t size = 0;
    for (;;) {
        fd_set set;
        struct timeval none = {0, 0};
        FD_ZERO(&set);
        FD_SET(0, &set);
        if (select(1, &set, NULL, NULL, &none) <= 0) {
            turn(now_s() + 0.01);
            continue;
        }
        if (read(0, line + size, 1) != 1) return 0;
        if (line[size] != '\n') {
            if (++size >= sizeof line) die("a command is too long");
            continue;
        }
        line[size] = 0;
        size = 0;
        double value = 0;
        char word[32] = "";
        sscanf(line, "%31s %lf", word, &value);
        if (!strcmp(word, "clients")) set_clients(value);
        else if (!strcmp(word, "stuck")) add_stuck();
        else if (!strcmp(word, "measure")) measure(value);
        else if (!strcmp(word, "idle")) turn_until(now_s() + value);
        else if (!strcmp(word, "echo")) opt.echo_hz = value;
        else if (!strcmp(word, "mark")) opt.mark_hz = value;
        else if (!strcmp(word, "quit")) return 0;
        else die("there is no command %s", line);
    }
}
