/* What is sent and timed while the clients watch, and the figures of a window. */
#define _GNU_SOURCE
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define WARM_S 0.5 /* echoes run that long before a window begins */
#define LAST_S 2.0 /* and their answers are waited for that long after it */
#define RING 65536u

bool measuring;

static bool sending, in_window;
static double next_echo, next_mark;
static uint32_t number = FIRST_NUMBER, turn_of;
static struct sent {
    double at;
    int client;
    bool counts, mark;
} sent[RING];
static double *echoes, *effects;
static size_t echo_count, effect_count, echo_sent, effect_sent;
static uint32_t chance = 12345;

double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint32_t random_below(uint32_t bound) {
    chance = chance * 1664525u + 1013904223u;
    return (uint64_t)chance * bound >> 32;
}

static struct client *next_client(void) {
    for (int i = 0; i < wanted; i++) {
        struct client *c = &clients[turn_of++ % wanted];
        if (c->state == JOINED && !c->stuck) return c;
    }
    return NULL;
}

static void send_echo(double now) {
    struct client *c = next_client();
    if (!c) return;
    uint8_t out[256];
    bool text;
    uint32_t n = ++number;
    size_t size = side->echo(out, n, &text);
    sent[n % RING] = (struct sent){now, c->index, in_window, false};
    c->echo = n;
    echo_sent += in_window;
    client_send(c, out, size, text ? 1 : 2);
}

static void send_mark(double now) {
    struct client *c = next_client(), *other = NULL;
    if (!c) return;
    for (int i = 0; i < 100 && (!other || other == c || other->state != JOINED || other->mark || other->stuck); i++)
        other = &clients[random_below(wanted)];
    if (other == c || other->state != JOINED || other->mark || other->stuck) return;
    uint8_t out[256];
    bool text;
    uint32_t n = ++number;
    size_t size = side->mark(out, n, n % opt.marks, &text);
    sent[n % RING] = (struct sent){now, other->index, in_window, true};
    other->mark = n;
    other->watched = true;
    effect_sent += in_window;
    client_send(c, out, size, text ? 1 : 2);
}

/* Send what is due; returns when the next is. */
static double send_due(double now) {
    if (!sending) return INFINITY;
    while (opt.echo_hz > 0 && next_echo <= now) {
        send_echo(now_s());
        next_echo += 1 / opt.echo_hz;
    }
    while (opt.mark_hz > 0 && next_mark <= now) {
        send_mark(now_s());
        next_mark += (0.5 + random_below(1000) / 1000.0) / opt.mark_hz; /* so that it keeps no step with ticks */
    }
    return fmin(opt.echo_hz > 0 ? next_echo : INFINITY, opt.mark_hz > 0 ? next_mark : INFINITY);
}

/* Answers are looked for out of turn: this program's own queue must not be timed. */
static uint32_t eldest = FIRST_NUMBER;

void traffic(double now) {
    send_due(now);
    for (uint32_t n = eldest; n != number + 1; n++) {
        struct sent *s = &sent[n % RING];
        struct client *c = &clients[s->client];
        if (s->at == 0 || now - s->at > LAST_S || c->state != JOINED || (c->echo != n && c->mark != n)) {
            if (n == eldest) eldest++;
            continue;
        }
        client_read(c);
    }
}

double traffic_due(void) {
    return !sending ? INFINITY : fmin(opt.echo_hz > 0 ? next_echo : INFINITY, opt.mark_hz > 0 ? next_mark : INFINITY);
}

void answered(uint32_t n) {
    struct sent *s = &sent[n % RING];
    if (s->at > 0 && s->counts && !s->mark) echoes[echo_count++] = now_s() - s->at;
    if (!s->mark) s->at = 0;
}

void effect_seen(struct client *c) {
    struct sent *s = &sent[c->mark % RING];
    if (s->at > 0 && s->counts) effects[effect_count++] = now_s() - s->at;
    s->at = 0;
    c->mark = 0;
    c->watched = false;
}

void patch_came(struct client *c, uint64_t length) {
    if (!in_window) return;
    double now = now_s();
    c->patches++;
    c->bytes += length;
    if (c->last > 0 && now - c->last > c->max_gap) c->max_gap = now - c->last;
    c->last = now;
}

/* -- the machine ------------------------------------------------------------------------------------- */

struct usage {
    double user, system, mine, busy[2], steal;
    long rss_kb;
};

static struct usage usage_now(void) {
    struct usage u = {0};
    double tick = 1.0 / sysconf(_SC_CLK_TCK);
    char name[64], text[4096];
    snprintf(name, sizeof name, "/proc/%d/stat", opt.pid);
    FILE *file = fopen(name, "r");
    if (file) {
        size_t size = fread(text, 1, sizeof text - 1, file);
        text[size] = 0;
        unsigned long user = 0, system = 0;
        long pages = 0;
        char *rest = strrchr(text, ')');
        if (rest)
            sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
                   &user, &system, &pages);
        u.user = user * tick;
        u.system = system * tick;
        u.rss_kb = pages * (sysconf(_SC_PAGESIZE) / 1024);
        fclose(file);
    }
    struct rusage mine;
    getrusage(RUSAGE_SELF, &mine);
    u.mine = mine.ru_utime.tv_sec + mine.ru_stime.tv_sec + (mine.ru_utime.tv_usec + mine.ru_stime.tv_usec) * 1e-6;
    file = fopen("/proc/stat", "r");
    while (file && fgets(text, sizeof text, file)) {
        int core;
        unsigned long v[8];
        if (sscanf(text, "cpu%d %lu %lu %lu %lu %lu %lu %lu %lu", &core, v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6,
                   v + 7) == 9) {
            if (core < 2) u.busy[core] = (v[0] + v[1] + v[2] + v[5] + v[6]) * tick;
            u.steal += v[7] * tick;
        }
    }
    if (file) fclose(file);
    return u;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A percentile of times, ms; those that never came are the longest of all. */
static double quantile(double *times, size_t count, size_t all, double share) {
    if (!all) return -1;
    size_t at = share * all;
    if (at >= count) return LAST_S * 1000;
    return times[at] * 1000;
}

void measure(double seconds) {
    size_t most = seconds * (opt.echo_hz + 2 * opt.mark_hz) + 1000;
    echoes = malloc(most * sizeof *echoes);
    effects = malloc(most * sizeof *effects);
    if (!echoes || !effects) die("no memory");
    echo_count = effect_count = echo_sent = effect_sent = 0;
    for (int i = 0; i < reached; i++) {
        struct client *c = &clients[i];
        c->patches = c->bytes = c->wire = c->others = c->snapshots = 0;
        c->last = c->max_gap = 0;
    }
    sending = true;
    next_echo = next_mark = now_s();
    turn_until(now_s() + WARM_S);
    struct usage before = usage_now();
    double began = now_s();
    measuring = in_window = true;
    turn_until(began + seconds);
    measuring = in_window = false;
    double took = now_s() - began;
    struct usage after = usage_now();
    double end = now_s() + LAST_S;
    while (now_s() < end && (echo_count < echo_sent || effect_count < effect_sent)) turn_until(now_s() + 0.05);
    sending = false;

    uint64_t patches = 0, bytes = 0, wire = 0, snapshots = 0, others = 0, fewest = UINT64_MAX;
    double gap = 0;
    int counted = 0;
    for (int i = 0; i < reached; i++) {
        struct client *c = &clients[i];
        if (c->state != JOINED || c->stuck) continue;
        counted++;
        patches += c->patches;
        bytes += c->bytes;
        wire += c->wire;
        snapshots += c->snapshots;
        others += c->others;
        if (c->patches < fewest) fewest = c->patches;
        if (c->max_gap > gap) gap = c->max_gap;
    }
    if (!counted) die("nobody is in");
    qsort(echoes, echo_count, sizeof *echoes, ascending);
    qsort(effects, effect_count, sizeof *effects, ascending);
    printf("{\"clients\":%d,\"joined\":%d,\"patches_per_client_per_s\":%.2f,\"patches_min\":%.2f,"
           "\"bytes_per_client_per_s\":%.0f,\"bytes_per_patch\":%.0f,\"wire_bytes_per_s\":%.0f,"
           "\"server_cpu_pct\":%.1f,\"server_user_pct\":%.1f,\"server_sys_pct\":%.1f,\"server_rss_mb\":%.1f,"
           "\"rtt_p50_ms\":%.2f,\"rtt_p99_ms\":%.2f,\"echoes\":%zu,\"unanswered\":%zu,",
           wanted, joined, patches / took / counted, fewest / took, bytes / took / counted,
           patches ? (double)bytes / patches : 0, wire / took, 100 * (after.user + after.system - before.user - before.system) / took,
           100 * (after.user - before.user) / took, 100 * (after.system - before.system) / took, after.rss_kb / 1024.0,
           quantile(echoes, echo_count, echo_sent, 0.5), quantile(echoes, echo_count, echo_sent, 0.99), echo_sent,
           echo_sent - echo_count);
    if (effect_sent)
        printf("\"effect_p50_ms\":%.2f,\"effect_p99_ms\":%.2f,\"effects\":%zu,\"unseen\":%zu,",
               quantile(effects, effect_count, effect_sent, 0.5), quantile(effects, effect_count, effect_sent, 0.99),
               effect_sent, effect_sent - effect_count);
    printf("\"max_gap_ms\":%.1f,\"snapshots\":%lu,\"others\":%lu,\"load_cpu_pct\":%.1f,\"core0_busy_pct\":%.1f,"
           "\"core1_busy_pct\":%.1f,\"steal_pct\":%.1f,\"seconds\":%.2f}\n",
           gap * 1000, (unsigned long)snapshots, (unsigned long)others, 100 * (after.mine - before.mine) / took,
           100 * (after.busy[0] - before.busy[0]) / took, 100 * (after.busy[1] - before.busy[1]) / took,
           100 * (after.steal - before.steal) / took, took);
    fflush(stdout);
    free(echoes);
    free(effects);
}
