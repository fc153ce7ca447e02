/* The load generator: thousands of websocket clients in one thread, the same code for either side. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CLIENTS 20000
#define MAX_PARALLEL 256
#define FIRST_NUMBER 70000u /* above 65535, so that a number has the same size in every message */
#define READ_BYTES (256 * 1024)

/* -- options ----------------------------------------------------------------------------------------- */

struct options {
    const char *side;        /* "colyseus" or "roomfleet" */
    const char *host;
    int port;                /* where players ask to get in */
    const char *game;        /* roomfleet: the game and the room */
    const char *room;
    const char *subprotocol; /* roomfleet: roomfleet.v1 or roomfleet.v1.msgpack */
    int pid;                 /* the server's process, whose CPU and memory are read */
    int parallel;            /* joins under way at once */
    double echo_hz;          /* echoes a second, of all clients together */
    double mark_hz;          /* changes a second whose arrival at another client is timed */
    int marks;               /* how many actors can be marked */
};
extern struct options opt;

/* -- a client ---------------------------------------------------------------------------------------- */

enum client_state { GONE, CONNECTING, UPGRADING, ENTERING, JOINED, LEAVING };

struct client {
    int fd, index, name;
    int joiner;              /* which of the parallel joins makes it; -1: none */
    enum client_state state;
    bool stuck, watched;     /* stuck: reads nothing; watched: its patches are searched for a mark */
    uint8_t *carry;          /* the beginning of a frame whose rest is still to come */
    size_t carried, room;
    uint64_t skip;           /* bytes of a frame that was counted already */
    uint32_t echo, mark;     /* numbers that are waited for; 0: none */
    double last;             /* when its last patch came, s */
    uint64_t patches, bytes, wire, others, snapshots;
    double max_gap;
    uint8_t *hello;          /* sent when the websocket is open */
    size_t hello_size;
    bool hello_text;
};
extern struct client clients[MAX_CLIENTS];
extern int wanted, joined, reached; /* reached: how many of `clients` were ever used */

/* What a whole or partly known message is. PATCH and SNAPSHOT need no more than their beginning. */
enum kind { UNKNOWN, PATCH, SNAPSHOT, ENTERED, ANSWERED, OTHER, ENDED };

struct seat {
    char path[256];
    int port;
    uint8_t hello[2048]; /* the first message to send */
    size_t hello_size;
    bool hello_text;
};

enum outcome { GRANTED, WAIT, REFUSED };

struct side {
    /* The request that asks for a seat; `again` is what `seat` left there when it said WAIT. */
    size_t (*ask)(char *out, size_t size, int number, const char *again);
    enum outcome (*seat)(const char *answer, struct seat *seat, char *again, size_t size);
    const char *(*subprotocol)(void); /* NULL: none */
    /* What a message is; `have` bytes of its `length` are there. ANSWERED puts the echo's number. */
    enum kind (*classify)(struct client *c, const uint8_t *message, size_t have, size_t length, uint32_t *number);
    bool (*marked)(const uint8_t *message, size_t length, uint32_t number);
    size_t (*echo)(uint8_t *out, uint32_t number, bool *text);
    /* The call that sets the mark of that actor; 0 where there is none. */
    size_t (*mark)(uint8_t *out, uint32_t number, uint32_t actor, bool *text);
    size_t (*leave)(uint8_t *out, bool *text);
};
extern const struct side colyseus, roomfleet;
extern const struct side *side;

/* -- websocket.c ------------------------------------------------------------------------------------- */
void client_connect(struct client *c, const struct seat *seat);
int dial(int port, int index, bool small);
void client_event(struct client *c, uint32_t events);
void client_read(struct client *c);
void client_send(struct client *c, const uint8_t *payload, size_t length, int opcode);
void client_drop(struct client *c, const char *why);
void client_leave(struct client *c);

/* -- joining.c --------------------------------------------------------------------------------------- */
bool text_field(const char *json, const char *name, char *out, size_t size);
void joining_start(void);
bool joining_step(double now); /* whether every client that is wanted is in */
void joining_event(int joiner, uint32_t events);
void joining_done(int joiner); /* its client is in, or never will be */

/* -- measuring.c ------------------------------------------------------------------------------------- */
extern bool measuring;
double now_s(void); /* CLOCK_MONOTONIC */
void measure(double seconds);
void traffic(double now);
double traffic_due(void);
void answered(uint32_t number);
void effect_seen(struct client *c);
void patch_came(struct client *c, uint64_t length);

/* -- main.c ------------------------------------------------------------------------------------------ */
void watch(int fd, uint64_t what, bool writing, bool again);
void unwatch(int fd);
void turn_until(double until); /* handle what comes, and send what is due */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define JOINER_BIT (1ull << 32)

#endif
