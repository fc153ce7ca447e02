/* Getting clients in: some joins under way at once, each over an HTTP connection that is kept. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_AGAIN_S 0.05
#define PATIENCE 200 /* refusals before it is given up */

enum joiner_state { IDLE, DIALLING, ASKED, WAITING, CLIENT };

static struct joiner {
    int fd;
    enum joiner_state state;
    int client;
    double at; /* WAITING: when to ask again */
    char again[64];
    char answer[16384];
    size_t size;
} joiners[MAX_PARALLEL];

static int refusals, next_name;

/* A field whose value is a string without escapes. */
bool text_field(const char *json, const char *name, char *out, size_t size) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *begin = strstr(json, key);
    if (!begin) return false;
    begin += strlen(key);
    while (*begin == ' ') begin++;
    if (*begin++ != '"') return false;
    const char *end = strchr(begin, '"');
    if (!end || (size_t)(end - begin) >= size) return false;
    memcpy(out, begin, end - begin);
    out[end - begin] = 0;
    return true;
}

void joining_start(void) {
    for (int i = 0; i < MAX_PARALLEL; i++) joiners[i].fd = -1;
    for (int i = 0; i < MAX_CLIENTS; i++) {
        clients[i].index = i;
        clients[i].fd = clients[i].joiner = -1;
    }
}

static void ask(struct joiner *j) {
    char request[2048];
    if (j->fd < 0) {
        j->fd = dial(opt.port, 0, false);
        j->state = DIALLING;
        watch(j->fd, JOINER_BIT | (j - joiners), true, false);
        return;
    }
    size_t size = side->ask(request, sizeof request, clients[j->client].name, j->again);
    if (send(j->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size) die("a join could not be sent: %s", strerror(errno));
    j->size = 0;
    j->state = ASKED;
}

static int free_client(void) {
    for (int i = 0; i < wanted; i++)
        if (clients[i].state == GONE && clients[i].joiner < 0) return i;
    return -1;
}

bool joining_step(double now) {
    int under_way = 0;
    for (int i = 0; i < opt.parallel; i++) {
        struct joiner *j = &joiners[i];
        if (j->state == WAITING && now >= j->at) ask(j);
        if (j->state == IDLE && joined < wanted) {
            int client = free_client();
            if (client >= 0) {
                clients[client].joiner = i;
                clients[client].name = next_name++;
                if (client >= reached) reached = client + 1;
                j->client = client;
                *j->again = 0;
                ask(j);
            }
        }
        under_way += j->state != IDLE;
    }
    return joined >= wanted && !under_way;
}

void joining_done(int joiner) { joiners[joiner].state = IDLE; }

static bool whole(const char *answer) {
    const char *body = strstr(answer, "\r\n\r\n");
    if (!body) return false;
    const char *length = strcasestr(answer, "\r\nContent-Length:");
    if (length && length < body) return strlen(body + 4) >= strtoul(length + 17, NULL, 10);
    return strstr(body, "0\r\n\r\n") != NULL;
}

static void hear(struct joiner *j) {
    ssize_t got = recv(j->fd, j->answer + j->size, sizeof j->answer - 1 - j->size, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        if (j->state == ASKED) die("a join was not answered: %s", got ? strerror(errno) : "connection closed");
        unwatch(j->fd); /* a kept connection that nobody used for long */
        close(j->fd);
        j->fd = -1;
        return;
    }
    j->size += got;
    j->answer[j->size] = 0;
    if (!whole(j->answer)) return;
    struct seat seat;
    enum outcome outcome = side->seat(j->answer, &seat, j->again, sizeof j->again);
    struct client *c = &clients[j->client];
    if (outcome == GRANTED) {
        j->state = CLIENT;
        client_connect(c, &seat);
    } else {
        if (outcome == REFUSED && ++refusals > PATIENCE) die("joins are refused: %.600s", j->answer);
        if (outcome == REFUSED) *j->again = 0;
        j->state = WAITING;
        j->at = now_s() + ASK_AGAIN_S;
    }
}

void joining_event(int joiner, uint32_t events) {
    (void)events;
    struct joiner *j = &joiners[joiner];
    if (j->state == DIALLING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(j->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) die("port %d: %s", opt.port, strerror(error));
        watch(j->fd, JOINER_BIT | joiner, false, true);
        ask(j);
        return;
    }
    hear(j);
}
