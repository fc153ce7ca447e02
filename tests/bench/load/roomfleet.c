/* Roomfleet's side: a join by HTTP at the master, then the session's websocket at the node. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool packed(void) { return strstr(opt.subprotocol, "msgpack") != NULL; }

static size_t ask(char *out, size_t size, int number, const char *again) {
    if (*again)
        return snprintf(out, size,
                        "GET /v1/games/%s/joins/%s HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer p%d\r\n\r\n",
                        opt.game, again, opt.host, opt.port, number);
    char body[128];
    int length = snprintf(body, sizeof body, "{\"room\":\"%s\"}", opt.room);
    return snprintf(out, size,
                    "POST /v1/games/%s/joins HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer p%d\r\n"
                    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                    opt.game, opt.host, opt.port, number, length, body);
}

static size_t put_word(uint8_t *out, const char *word) {
    size_t length = strlen(word);
    out[0] = 0xa0 | length;
    memcpy(out + 1, word, length);
    return 1 + length;
}

static size_t put_number(uint8_t *out, uint32_t n) {
    out[0] = 0xce;
    for (int i = 0; i < 4; i++) out[1 + i] = n >> (24 - 8 * i);
    return 5;
}

static enum outcome seat(const char *answer, struct seat *seat, char *again, size_t size) {
    char state[32], url[512], ticket[1024];
    if (!text_field(answer, "state", state, sizeof state)) return REFUSED;
    if (!strcmp(state, "waiting")) return text_field(answer, "id", again, size) ? WAIT : REFUSED;
    if (!text_field(answer, "url", url, sizeof url) || !text_field(answer, "ticket", ticket, sizeof ticket))
        return REFUSED;
    const char *host = strstr(url, "://");
    const char *colon = host ? strchr(host + 3, ':') : NULL;
    const char *slash = colon ? strchr(colon, '/') : NULL;
    if (!slash) return REFUSED;
    seat->port = atoi(colon + 1);
    snprintf(seat->path, sizeof seat->path, "%s", slash);
    seat->hello_text = !packed();
    if (seat->hello_text) {
        seat->hello_size = sprintf((char *)seat->hello, "{\"type\":\"hello\",\"ticket\":\"%s\"}", ticket);
        return GRANTED;
    }
    size_t n = 0, length = strlen(ticket);
    seat->hello[n++] = 0x82;
    n += put_word(seat->hello + n, "type");
    n += put_word(seat->hello + n, "hello");
    n += put_word(seat->hello + n, "ticket");
    seat->hello[n++] = 0xda; /* a string with two bytes of length */
    seat->hello[n++] = length >> 8;
    seat->hello[n++] = length;
    memcpy(seat->hello + n, ticket, length);
    seat->hello_size = n + length;
    return GRANTED;
}

/* `{"type":"patch"…` or the same in MessagePack: where the type's name begins. */
static enum kind classify(struct client *c, const uint8_t *m, size_t have, size_t length, uint32_t *number) {
    (void)c;
    size_t at = packed() ? 7 : 9;
    if (have < at + 8) return have < length ? UNKNOWN : OTHER;
    const char *type = (const char *)m + at;
    if (!memcmp(type, "patch", 5)) return PATCH;
    if (!memcmp(type, "snapshot", 8)) return SNAPSHOT;
    if (have < length) return UNKNOWN;
    if (!memcmp(type, "result", 6)) {
        if (packed()) { /* a2 "id" ce u32 */
            const uint8_t *p = m + at + 6 + 3 + 1;
            *number = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
        } else {
            *number = strtoul(type + 6 + strlen("\",\"id\":"), NULL, 10);
        }
        return ANSWERED;
    }
    if (!memcmp(type, "bye", 3) || !memcmp(type, "error", 5) || !memcmp(type, "rejoin", 6)) return ENDED;
    return OTHER;
}

static bool marked(const uint8_t *m, size_t length, uint32_t number) {
    uint8_t what[64];
    size_t size;
    if (packed()) {
        size = put_word(what, "mark");
        size += put_number(what + size, number);
    } else {
        size = sprintf((char *)what, "\"mark\"],%u]", number);
    }
    return memmem(m, length, what, size) != NULL;
}

static size_t packed_call(uint8_t *out, uint32_t n, const char *method, const uint32_t *actor) {
    size_t size = 0;
    out[size++] = 0x84;
    size += put_word(out + size, "type");
    size += put_word(out + size, "call");
    size += put_word(out + size, "id");
    size += put_number(out + size, n);
    size += put_word(out + size, "method");
    size += put_word(out + size, method);
    size += put_word(out + size, "args");
    out[size++] = actor ? 0x82 : 0x81;
    size += put_word(out + size, "n");
    size += put_number(out + size, n);
    if (actor) {
        size += put_word(out + size, "actor");
        size += put_number(out + size, *actor);
    }
    return size;
}

static size_t call(uint8_t *out, uint32_t n, const char *method, const uint32_t *actor, bool *text) {
    *text = !packed();
    if (!*text) return packed_call(out, n, method, actor);
    char more[32] = "";
    if (actor) snprintf(more, sizeof more, ",\"actor\":%u", *actor);
    return sprintf((char *)out, "{\"type\":\"call\",\"id\":%u,\"method\":\"%s\",\"args\":{\"n\":%u%s}}", n, method, n,
                   more);
}

static size_t echo(uint8_t *out, uint32_t number, bool *text) { return call(out, number, "echo", NULL, text); }

static size_t mark(uint8_t *out, uint32_t number, uint32_t actor, bool *text) {
    return call(out, number, "mark", &actor, text);
}

static size_t leave(uint8_t *out, bool *text) {
    *text = !packed();
    if (*text) return sprintf((char *)out, "{\"type\":\"leave\"}");
    out[0] = 0x81;
    size_t size = 1 + put_word(out + 1, "type");
    return size + put_word(out + size, "leave");
}

static const char *subprotocol(void) { return opt.subprotocol; }

const struct side roomfleet = {ask, seat, subprotocol, classify, marked, echo, mark, leave};
