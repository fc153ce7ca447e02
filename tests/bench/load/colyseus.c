/* The peer's side: matchmaking by HTTP, then a websocket with Colyseus' message codes (0.18). */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum code { JOIN_ROOM = 10, ERROR = 11, LEAVE_ROOM = 12, ROOM_DATA = 13, ROOM_STATE = 14, ROOM_PATCH = 15 };

static char room_id[64];

static size_t ask(char *out, size_t size, int number, const char *again) {
    (void)number, (void)again;
    char method[128];
    if (*room_id)
        snprintf(method, sizeof method, "joinById/%s", room_id);
    else
        snprintf(method, sizeof method, "joinOrCreate/%s", opt.room);
    return snprintf(out, size,
                    "POST /matchmake/%s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n"
                    "Content-Length: 2\r\n\r\n{}",
                    method, opt.host, opt.port);
}

static enum outcome seat(const char *answer, struct seat *seat, char *again, size_t size) {
    (void)again, (void)size;
    char process[64], room[64], session[64];
    if (!text_field(answer, "processId", process, sizeof process) ||
        !text_field(answer, "roomId", room, sizeof room) ||
        !text_field(answer, "sessionId", session, sizeof session))
        return REFUSED;
    strcpy(room_id, room);
    snprintf(seat->path, sizeof seat->path, "/%s/%s?sessionId=%s", process, room, session);
    seat->port = opt.port;
    seat->hello_size = 0;
    return GRANTED;
}

static enum kind classify(struct client *c, const uint8_t *m, size_t have, size_t length, uint32_t *number) {
    if (!length) return OTHER;
    if (!have) return UNKNOWN;
    int code = m[0];
    if ((code & 31) == ROOM_PATCH) return PATCH;
    if (code == ROOM_STATE) return SNAPSHOT;
    if (have < length) return UNKNOWN;
    if (code == JOIN_ROOM) {
        uint8_t ack = JOIN_ROOM;
        client_send(c, &ack, 1, 2);
        return ENTERED;
    }
    if (code == ROOM_DATA && length >= 11) { /* a4 "echo" ce u32 */
        const uint8_t *p = m + length - 4;
        *number = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
        return ANSWERED;
    }
    return code == ERROR ? ENDED : OTHER;
}

static bool marked(const uint8_t *m, size_t length, uint32_t number) {
    (void)m, (void)length, (void)number;
    return false;
}

static size_t echo(uint8_t *out, uint32_t n, bool *text) {
    *text = false;
    const uint8_t head[] = {ROOM_DATA, 0xa4, 'e', 'c', 'h', 'o', 0xce};
    memcpy(out, head, sizeof head);
    for (int i = 0; i < 4; i++) out[sizeof head + i] = n >> (24 - 8 * i);
    return sizeof head + 4;
}

static size_t mark(uint8_t *out, uint32_t number, uint32_t actor, bool *text) {
    (void)out, (void)number, (void)actor, (void)text;
    return 0;
}

static size_t leave(uint8_t *out, bool *text) {
    *text = false;
    out[0] = LEAVE_ROOM;
    return 1;
}

static const char *subprotocol(void) { return NULL; }

const struct side colyseus = {ask, seat, subprotocol, classify, marked, echo, mark, leave};
