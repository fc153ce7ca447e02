/* Websocket clients, as much of RFC 6455 as a load generator needs: frames are found and counted, and only
 * what has to be known is read. Masks are zero. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct client clients[MAX_CLIENTS];
int wanted, joined, reached;

static uint8_t buffer[READ_BYTES];

#define KEPT_OPEN 8000 /* connections from one source address, so that ports do not run out */
#define STUCK_RECEIVE_BYTES 4096
#define STUCK_SEGMENT_BYTES 536

int dial(int port, int index, bool small) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket: %s; raise the limit of open files", strerror(errno));
    int one = 1, bytes = STUCK_RECEIVE_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (small) { /* and small segments, or the sender's kernel would hold megabytes for it */
        int segment = STUCK_SEGMENT_BYTES;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    }
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, opt.host, &to.sin_addr) != 1) die("%s is no IPv4 address", opt.host);
    if (index >= KEPT_OPEN) {
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / KEPT_OPEN);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) die("bind: %s", strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    return fd;
}

void client_connect(struct client *c, const struct seat *seat) {
    c->fd = dial(seat->port, c->index, c->stuck);
    c->state = CONNECTING;
    c->hello = malloc(seat->hello_size + 1);
    if (!c->hello) die("no memory");
    memcpy(c->hello, seat->hello, seat->hello_size);
    c->hello_size = seat->hello_size;
    c->hello_text = seat->hello_text;
    c->carried = 0;
    c->skip = 0;
    c->echo = c->mark = 0;
    c->last = 0;
    const char *subprotocol = side->subprotocol();
    char request[2048];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n%s%s%s\r\n",
                        seat->path, opt.host, seat->port, subprotocol ? "Sec-WebSocket-Protocol: " : "",
                        subprotocol ? subprotocol : "", subprotocol ? "\r\n" : "");
    if (size >= (int)sizeof request) die("the request for %s is too long", seat->path);
    free(c->carry);
    c->carry = (uint8_t *)strdup(request); /* kept until it can be sent */
    c->carried = size;
    watch(c->fd, c->index, true, false);
}

static void close_it(struct client *c) {
    unwatch(c->fd);
    close(c->fd);
    free(c->carry);
    free(c->hello);
    c->carry = NULL;
    c->hello = NULL;
    c->carried = c->room = 0;
    c->fd = -1;
    c->stuck = false;
}

void client_drop(struct client *c, const char *why) {
    int joiner = c->joiner;
    bool leaving = c->state == LEAVING;
    if (c->state == GONE) return;
    if (c->state == JOINED) joined--;
    if (!leaving) fprintf(stderr, "client %d: %s\n", c->index, why);
    c->state = GONE;
    c->joiner = -1;
    close_it(c);
    if (joiner >= 0) joining_done(joiner);
}

void client_send(struct client *c, const uint8_t *payload, size_t length, int opcode) {
    uint8_t head[8 + 4] = {0x80 | opcode};
    size_t size = 2;
    if (length < 126) {
        head[1] = 0x80 | length;
    } else {
        head[1] = 0x80 | 126;
        head[2] = length >> 8;
        head[3] = length;
        size = 4;
    }
    size += 4; /* the mask */
    uint8_t frame[2048];
    if (size + length > sizeof frame) die("a message of %zu bytes is too long", length);
    memcpy(frame, head, size);
    memcpy(frame + size, payload, length);
    if (send(c->fd, frame, size + length, MSG_NOSIGNAL) != (ssize_t)(size + length))
        client_drop(c, "what it sent did not fit");
}

void client_leave(struct client *c) {
    if (c->state != JOINED) return;
    uint8_t out[256];
    bool text = false;
    size_t size = side->leave(out, &text);
    joined--;
    c->state = LEAVING;
    if (size)
        client_send(c, out, size, text ? 1 : 2);
    else
        client_send(c, (const uint8_t *)"\x0f\xa0", 2, 8); /* close 4000: a leaving that is meant */
}

static void keep(struct client *c, const uint8_t *data, size_t size) {
    if (size > c->room || !c->carry) {
        size_t room = size < 512 ? 512 : size * 2;
        uint8_t *fresh = malloc(room);
        if (!fresh) die("no memory");
        memcpy(fresh, data, size);
        free(c->carry);
        c->carry = fresh;
        c->room = room;
    } else {
        memmove(c->carry, data, size);
    }
    c->carried = size;
}

static void is_in(struct client *c) {
    if (c->state != ENTERING) return;
    c->state = JOINED;
    joined++;
    int joiner = c->joiner;
    c->joiner = -1;
    if (joiner >= 0) joining_done(joiner);
}

/* One message whose first `have` bytes are there. False: more of it is needed. */
static bool message(struct client *c, const uint8_t *data, size_t have, size_t length) {
    uint32_t number = 0;
    enum kind kind = side->classify(c, data, have, length, &number);
    bool whole = have == length;
    if (kind == UNKNOWN) return false;
    if (kind == PATCH && c->watched && !whole) return false;
    if (kind != PATCH && kind != SNAPSHOT && !whole) return false;
    if (measuring && kind != PATCH) c->others++;
    switch (kind) {
    case PATCH:
        patch_came(c, length);
        if (c->watched && c->mark && side->marked(data, length, c->mark)) effect_seen(c);
        break;
    case SNAPSHOT:
        if (measuring) c->snapshots++;
        is_in(c);
        break;
    case ENTERED:
        is_in(c);
        break;
    case ANSWERED:
        if (number == c->echo) c->echo = 0;
        answered(number);
        break;
    case ENDED:
        if (c->state != LEAVING)
            fprintf(stderr, "client %d is put out: %.*s\n", c->index, (int)(length < 300 ? length : 300), data);
        break;
    default:
        break;
    }
    return true;
}

/* All frames in `data`; how many of its bytes were used up. */
static size_t frames(struct client *c, const uint8_t *data, size_t size) {
    size_t at = 0;
    while (c->state != GONE && size - at >= 2) {
        const uint8_t *p = data + at;
        size_t left = size - at, head = 2;
        uint64_t length = p[1] & 127;
        if (length == 126) {
            if (left < 4) break;
            length = (uint64_t)p[2] << 8 | p[3];
            head = 4;
        } else if (length == 127) {
            if (left < 10) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | p[i];
            head = 10;
        }
        int opcode = p[0] & 15;
        size_t have = left - head < length ? left - head : length;
        if (opcode == 9 && have == length) {
            client_send(c, p + head, length, 10);
        } else if (opcode == 8) {
            client_drop(c, "the server closes the connection");
            return size;
        } else if (opcode <= 2) {
            if (!message(c, p + head, have, length)) break;
        } else if (have < length) {
            break;
        }
        if (have < length) {
            c->skip = length - have;
            return size;
        }
        at += head + length;
    }
    return at;
}

static void upgraded(struct client *c) {
    if (c->room <= c->carried) keep(c, c->carry, c->carried);
    c->carry[c->carried] = 0;
    char *end = strstr((char *)c->carry, "\r\n\r\n");
    if (!end) return;
    if (strncmp((char *)c->carry + 8, " 101", 4)) {
        fprintf(stderr, "%.200s\n", c->carry);
        client_drop(c, "the upgrade was refused");
        return;
    }
    c->state = ENTERING;
    size_t head = end + 4 - (char *)c->carry;
    if (c->hello_size) client_send(c, c->hello, c->hello_size, c->hello_text ? 1 : 2);
    if (c->state == GONE) return;
    size_t used = head + frames(c, c->carry + head, c->carried - head);
    if (c->state != GONE) keep(c, c->carry + used, c->carried - used);
}

void client_read(struct client *c) {
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        client_drop(c, got ? strerror(errno) : "the connection ended");
        return;
    }
    const uint8_t *data = buffer;
    size_t size = got;
    if (measuring) c->wire += size;
    if (c->skip) {
        size_t off = size < c->skip ? size : c->skip;
        c->skip -= off;
        data += off;
        size -= off;
        if (!size) return;
    }
    if (c->carried || c->state == UPGRADING) {
        uint8_t *both = malloc(c->carried + size + 1);
        if (!both) die("no memory");
        memcpy(both, c->carry, c->carried);
        memcpy(both + c->carried, data, size);
        free(c->carry);
        c->carry = both;
        c->carried += size;
        c->room = c->carried + 1;
        if (c->state == UPGRADING) {
            upgraded(c);
            return;
        }
        size_t used = frames(c, c->carry, c->carried);
        if (c->state != GONE) keep(c, c->carry + used, c->carried - used);
    } else {
        size_t used = frames(c, data, size);
        if (c->state != GONE && used < size) keep(c, data + used, size - used);
    }
}

void client_event(struct client *c, uint32_t events) {
    if (c->state == GONE) return;
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error || send(c->fd, c->carry, c->carried, MSG_NOSIGNAL) != (ssize_t)c->carried) {
            client_drop(c, error ? strerror(error) : "the request did not fit");
            return;
        }
        c->carried = 0;
        c->room = 0;
        free(c->carry);
        c->carry = NULL;
        c->state = UPGRADING;
        watch(c->fd, c->index, false, true);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) client_read(c);
}
