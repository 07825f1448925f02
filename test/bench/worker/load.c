/*
 * Both ends of bench:worker, on one thread, so that neither is what limits a proxy.
 *
 *   load backend RAW_PORT HTTP_PORT     raw: sends without end after an 'S', else echoes; HTTP/1.1: 128 bytes a request
 *   load bulk PORT CONNECTIONS SECONDS  reads from sources: prints bytes a second
 *   load short PORT CONNECTIONS SECONDS connect, 64 bytes there and back, close: prints connections a second and times
 *   load probe PORT SECONDS             a byte there and back each millisecond: prints times
 *   load tcp PORT, load http2 PORT      holds connections: a number on stdin is how many; prints how many are open,
 *                                       how many the other side closed, and how many PINGs were answered
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, BUFFER = 256 * 1024, MESSAGE = 64, TIMES = 1 << 21, MOST = 20000, AT_ONCE = 64 };
enum role { LISTEN_RAW, LISTEN_HTTP, FRESH, SOURCE, ECHO, HTTP, BULK, SHORT, HELD_TCP, HELD_HTTP2, INPUT };

struct peer {
  int fd, slot;
  enum role role;
  int seen;               /* bytes of a message, or of a request head's end */
  int ready;              /* a held connection carries bytes */
  double since;           /* when a short connection began */
  unsigned char frame[17]; /* an HTTP/2 frame's head, and a PING's payload */
  uint32_t skip;          /* bytes of a frame that say nothing here */
};

static int epoll;
static char buffer[BUFFER], zeros[BUFFER];
static float *times;
static long counted, bytes, pings, closed, open_now, connecting, wanted;
static int port;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(struct peer *peer, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = peer};
  if (epoll_ctl(epoll, operation, peer->fd, &event) < 0) fail("epoll_ctl");
}

static struct peer *add(int fd, enum role role, uint32_t events) {
  struct peer *peer = calloc(1, sizeof *peer);
  peer->fd = fd;
  peer->role = role;
  watch(peer, events, EPOLL_CTL_ADD);
  return peer;
}

static void drop(struct peer *peer) {
  close(peer->fd);
  free(peer);
}

static struct sockaddr_in loopback(int at) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(at)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static int stream_socket(void) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static struct peer *dial(enum role role) {
  struct sockaddr_in address = loopback(port);
  int fd = stream_socket();
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) fail("connect");
  struct peer *peer = add(fd, role, EPOLLOUT);
  peer->since = now();
  return peer;
}

static void serve(int at, enum role role) {
  struct sockaddr_in address = loopback(at);
  int one = 1, fd = stream_socket();
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) fail("listen");
  add(fd, role, EPOLLIN);
}

/* 1: all is written; 0: it would block or is over. What is written here is small, but for a source's. */
static int put(int fd, const void *from, size_t size) {
  return send(fd, from, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static const char ANSWER[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 128\r\n\r\n"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* Requests have no bodies: each ends with an empty line. */
static int answer_requests(struct peer *peer, ssize_t size) {
  static const char END[] = "\r\n\r\n";
  for (ssize_t i = 0; i < size; i++) {
    peer->seen = buffer[i] == END[peer->seen] ? peer->seen + 1 : buffer[i] == '\r';
    if (peer->seen < 4) continue;
    peer->seen = 0;
    if (!put(peer->fd, ANSWER, sizeof ANSWER - 1)) return 0;
  }
  return 1;
}

static void on_backend(struct peer *peer) {
  if (peer->role == LISTEN_RAW || peer->role == LISTEN_HTTP) {
    for (int fd, one = 1; (fd = accept4(peer->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      add(fd, peer->role == LISTEN_RAW ? FRESH : HTTP, EPOLLIN);
    }
    return;
  }
  if (peer->role == SOURCE) {
    if (send(peer->fd, zeros, BUFFER, MSG_NOSIGNAL) < 0 && errno != EAGAIN) drop(peer);
    return;
  }
  ssize_t size = recv(peer->fd, buffer, BUFFER, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return drop(peer);
  if (peer->role == FRESH) {
    peer->role = buffer[0] == 'S' ? SOURCE : ECHO;
    if (peer->role == SOURCE) return watch(peer, EPOLLOUT, EPOLL_CTL_MOD);
  }
  if (!(peer->role == HTTP ? answer_requests(peer, size) : put(peer->fd, buffer, size))) drop(peer);
}

static void took(double since) {
  if (counted < TIMES) times[counted] = (now() - since) * 1000;
  counted++;
}

static void on_short(struct peer *peer, uint32_t events) {
  if (events & EPOLLOUT) {
    if (!put(peer->fd, zeros, MESSAGE)) fail("a short connection");
    return watch(peer, EPOLLIN, EPOLL_CTL_MOD);
  }
  ssize_t size = recv(peer->fd, buffer, MESSAGE, 0);
  if (size <= 0) fail("a short connection was closed");
  peer->seen += size;
  if (peer->seen < MESSAGE) return;
  took(peer->since);
  drop(peer);
  dial(SHORT);
}

static void on_bulk(struct peer *peer, uint32_t events) {
  if (events & EPOLLOUT) {
    if (!put(peer->fd, "S", 1)) fail("a bulk connection");
    return watch(peer, EPOLLIN, EPOLL_CTL_MOD);
  }
  ssize_t size = recv(peer->fd, buffer, BUFFER, 0);
  if (size <= 0) fail("a bulk connection was closed");
  bytes += size;
}

enum { SETTINGS_FRAME = 4, PING_FRAME = 6, ACK = 1, FRAME_HEAD = 9, PING_FRAME_SIZE = 17 };

static void opened(struct peer *peer) {
  if (peer->ready) return;
  peer->ready = 1;
  open_now++;
  connecting--;
}

/* RFC 9113, 4.1: length (24), type (8), flags (8), stream (32). */
static void on_frames(struct peer *peer, ssize_t size) {
  static const unsigned char SETTINGS_ACK[] = {0, 0, 0, SETTINGS_FRAME, ACK, 0, 0, 0, 0};
  for (ssize_t i = 0; i < size;) {
    if (peer->skip > 0) {
      uint32_t step = size - i < peer->skip ? size - i : peer->skip;
      peer->skip -= step;
      i += step;
      continue;
    }
    unsigned char *frame = peer->frame;
    frame[peer->seen++] = buffer[i++];
    if (peer->seen < FRAME_HEAD) continue;
    int is_ping = frame[3] == PING_FRAME;
    if (is_ping && peer->seen < PING_FRAME_SIZE) continue;
    peer->seen = 0;
    if (is_ping && !(frame[4] & ACK)) {
      frame[4] = ACK;
      put(peer->fd, frame, PING_FRAME_SIZE);
      pings++;
    }
    if (!is_ping) peer->skip = frame[0] << 16 | frame[1] << 8 | frame[2];
    if (frame[3] == SETTINGS_FRAME && !(frame[4] & ACK)) {
      put(peer->fd, SETTINGS_ACK, sizeof SETTINGS_ACK);
      opened(peer);
    }
  }
}

static void on_held(struct peer *peer, uint32_t events) {
  static const char HELLO[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
  if (events & EPOLLOUT) {
    int is_http2 = peer->role == HELD_HTTP2;
    if (!put(peer->fd, is_http2 ? HELLO : "E", is_http2 ? sizeof HELLO - 1 : 1)) fail("a held connection");
    return watch(peer, EPOLLIN, EPOLL_CTL_MOD);
  }
  ssize_t size = recv(peer->fd, buffer, BUFFER, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    if (peer->ready) open_now--;
    else connecting--;
    closed++;
    return drop(peer);
  }
  if (peer->role == HELD_HTTP2) on_frames(peer, size);
  else opened(peer);
}

static void hold(enum role role) {
  static int asked;
  while (connecting < AT_ONCE && open_now + connecting + closed < wanted) {
    connecting++;
    dial(role);
  }
  static char line[64];
  struct pollfd input = {.fd = 0, .events = POLLIN};
  if (!asked && poll(&input, 1, 0) > 0) {
    ssize_t size = read(0, line, sizeof line - 1);
    if (size <= 0) exit(0);
    line[size] = 0;
    wanted = atol(line);
    asked = 1;
    return;
  }
  if (asked && connecting == 0 && open_now + closed >= wanted) {
    printf("{\"open\":%ld,\"closed\":%ld,\"pings\":%ld}\n", open_now, closed, pings);
    fflush(stdout);
    asked = 0;
  }
}

static int ascending(const void *a, const void *b) {
  float left = *(const float *)a, right = *(const float *)b;
  return (left > right) - (left < right);
}

static void print_times(double seconds) {
  long kept = counted < TIMES ? counted : TIMES;
  if (kept == 0) fail("nothing came back");
  qsort(times, kept, sizeof *times, ascending);
  printf("{\"perSecond\":%.1f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f}\n", counted / seconds, times[kept / 2],
         times[kept * 99 / 100], times[kept - 1]);
}

static void probe(double seconds) {
  struct sockaddr_in address = loopback(port);
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  for (double since, until = now() + seconds; (since = now()) < until;) {
    if (!put(fd, "E", 1) || recv(fd, buffer, 1, 0) != 1) fail("the probe was closed");
    /* The first one waits for the connection to the backend. */
    if (counted++ > 0) times[counted - 2] = (now() - since) * 1000;
    usleep(1000);
  }
  counted--;
  print_times(seconds);
}

static void on(struct peer *peer, uint32_t events) {
  switch (peer->role) {
    case BULK: return on_bulk(peer, events);
    case SHORT: return on_short(peer, events);
    case HELD_TCP:
    case HELD_HTTP2: return on_held(peer, events);
    default: return on_backend(peer);
  }
}

static void turn(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(epoll, events, EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) on(events[i].data.ptr, events[i].events);
}

static void run_until(double until) {
  while (now() < until) turn(10);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  const char *mode = arguments[1];
  port = atoi(arguments[2]);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  times = malloc(TIMES * sizeof *times);
  if (strcmp(mode, "backend") == 0 && count == 4) {
    serve(port, LISTEN_RAW);
    serve(atoi(arguments[3]), LISTEN_HTTP);
    puts("{}");
    fflush(stdout);
    for (;;) turn(-1);
  }
  if (strcmp(mode, "probe") == 0 && count == 4) {
    probe(atof(arguments[3]));
    return 0;
  }
  if (strcmp(mode, "tcp") == 0 || strcmp(mode, "http2") == 0) {
    enum role role = mode[0] == 't' ? HELD_TCP : HELD_HTTP2;
    for (;;) {
      hold(role);
      turn(5);
    }
  }
  if (count != 5) return 2;
  double seconds = atof(arguments[4]);
  int is_short = strcmp(mode, "short") == 0;
  for (int i = 0; i < atoi(arguments[3]); i++) dial(is_short ? SHORT : BULK);
  run_until(now() + 0.3);
  counted = bytes = 0;
  double since = now();
  run_until(since + seconds);
  double took_seconds = now() - since;
  if (is_short) print_times(took_seconds);
  else printf("{\"bytesPerSecond\":%.0f}\n", bytes / took_seconds);
  return 0;
}
