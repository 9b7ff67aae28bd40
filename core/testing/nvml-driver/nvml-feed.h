/*
 * What the test driver answers: a feed (what a recording said, in NVML's units) and a control file (faults that
 * start in mid-run). Both are plain text so that a test can write them with one call.
 *
 * Feed, one record a line:   driver 580.159.04 | nvml 13.580.159.04 | cuda 13000 | period_us 100000
 *   device INDEX PARENT key=value …   (PARENT -1: a GPU; else the index of the GPU whose MIG instance it is)
 *   frame NUMBER DEVICE key=value …   (what is left out keeps its last value; N: not supported)
 *   process DEVICE PID c|g BYTES SM MEM
 * Text values have their blanks written as "_".
 */
#ifndef WARPDECK_NVML_FEED_H
#define WARPDECK_NVML_FEED_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;

#define KEYS(X) \
  X(util) X(utilmem) X(power_mw) X(sm_mhz) X(mem_mhz) X(reasons) \
  X(mem_total) X(mem_used) X(mem_free) X(mem_reserved) X(temp) X(temp_mem) X(limit_mw) X(energy_mj) \
  X(pcie_tx) X(pcie_rx) X(nvlink_tx_kib) X(nvlink_rx_kib) X(enc) X(dec) X(video_mhz) X(gen) X(width) X(pstate) \
  X(r_power_ns) X(r_swtherm_ns) X(r_hwtherm_ns) X(r_brake_ns) \
  X(fan) X(fan_rpm) X(ecc_c) X(ecc_u) X(remap) X(remap_pending) X(replays) X(nvlink_active) X(nvlink_errors) \
  X(arch) X(cc) X(persistence) X(ecc_mode) X(mig_mode) X(display) X(power_default_mw) X(power_min_mw) X(power_max_mw) \
  X(temp_slowdown) X(temp_shutdown) X(temp_gpu_max) X(max_sm_mhz) X(max_mem_mhz) X(max_gen) X(max_width) X(nvlinks) X(fans) \
  X(processes_supported)

#define AS_ENUM(name) K_##name,
#define AS_TEXT(name) #name,
enum key { KEYS(AS_ENUM) KEY_COUNT };
static const char *const key_names[] = { KEYS(AS_TEXT) };

#define MAX_DEVICES 80
#define MAX_FRAMES 128
#define MAX_PROCESSES 4096
#define NOT_GIVEN LLONG_MIN

typedef struct { char uuid[96], name[96], bus[32], vbios[32]; int parent; long long base[KEY_COUNT]; } feed_device;
typedef struct { unsigned device, pid; char type; u64 bytes; unsigned sm, mem; } feed_process;

static struct {
  char driver[80], nvml[80];
  int cuda, devices, frames, processes;
  u64 period_us;
  feed_device device[MAX_DEVICES];
  feed_process process[MAX_PROCESSES];
  long long (*value)[MAX_DEVICES][KEY_COUNT]; /* [frame][device][key], rows filled up when read */
} feed;

static struct {
  int init, gpus, processes, growth, frame, no_process_memory, measured_cost;
  double cost_us;
  char lost[1024], reset[1024], hang[128], crash[128], segv[128], garbage[1024], unsupported[1024], fail[1024], xid[256];
} control;

static int key_of(const char *name, size_t length) {
  for (int k = 0; k < KEY_COUNT; k++) if (strlen(key_names[k]) == length && strncmp(key_names[k], name, length) == 0) return k;
  return -1;
}

static void copy_text(char *to, size_t size, const char *from) {
  size_t i = 0;
  for (; from[i] != 0 && i + 1 < size; i++) to[i] = from[i] == '_' ? ' ' : from[i];
  to[i] = 0;
}

static void read_pairs(char *text, long long *values, feed_device *device) {
  for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
    char *equals = strchr(word, '=');
    if (!equals) continue;
    const char *value = equals + 1;
    int k = key_of(word, (size_t)(equals - word));
    if (k >= 0) values[k] = *value == 'N' ? NOT_GIVEN : strtoll(value, NULL, 10);
    else if (device && !strncmp(word, "uuid=", 5)) snprintf(device->uuid, sizeof device->uuid, "%s", value);
    else if (device && !strncmp(word, "name=", 5)) copy_text(device->name, sizeof device->name, value);
    else if (device && !strncmp(word, "bus=", 4)) snprintf(device->bus, sizeof device->bus, "%s", value);
    else if (device && !strncmp(word, "vbios=", 6)) snprintf(device->vbios, sizeof device->vbios, "%s", value);
  }
}

static int read_feed(void) {
  const char *path = getenv("WARPDECK_TEST_NVML_FEED");
  FILE *file = path ? fopen(path, "r") : NULL;
  if (!file) return 0;
  feed.devices = feed.frames = feed.processes = 0;
  feed.period_us = 100000;
  if (!feed.value) feed.value = calloc(MAX_FRAMES, sizeof *feed.value);
  static char line[8192];
  while (fgets(line, sizeof line, file)) {
    int index, parent, number, at = 0;
    char type;
    feed_process p;
    if (sscanf(line, "driver %79s", feed.driver) == 1 || sscanf(line, "nvml %79s", feed.nvml) == 1) continue;
    if (sscanf(line, "cuda %d", &feed.cuda) == 1 || sscanf(line, "period_us %llu", &feed.period_us) == 1) continue;
    if (sscanf(line, "device %d %d %n", &index, &parent, &at) == 2 && at && index >= 0 && index < MAX_DEVICES) {
      feed_device *d = &feed.device[index];
      memset(d, 0, sizeof *d);
      d->parent = parent;
      for (int k = 0; k < KEY_COUNT; k++) d->base[k] = NOT_GIVEN;
      read_pairs(line + at, d->base, d);
      if (index >= feed.devices) feed.devices = index + 1;
    } else if (sscanf(line, "frame %d %d %n", &number, &index, &at) == 2 && at && number >= 0 && number < MAX_FRAMES && index < feed.devices) {
      for (; feed.frames <= number; feed.frames++)
        for (int i = 0; i < feed.devices; i++)
          memcpy(feed.value[feed.frames][i], feed.frames ? feed.value[feed.frames - 1][i] : feed.device[i].base, sizeof feed.device[i].base);
      read_pairs(line + at, feed.value[number][index], NULL);
    } else if (sscanf(line, "process %u %u %c %llu %u %u", &p.device, &p.pid, &type, &p.bytes, &p.sm, &p.mem) == 6 && feed.processes < MAX_PROCESSES) {
      p.type = type;
      feed.process[feed.processes++] = p;
    }
  }
  fclose(file);
  return feed.devices > 0;
}

static u64 now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (u64)t.tv_sec * 1000000u + (u64)t.tv_nsec / 1000u;
}

static void set_text(char *to, size_t size, const char *line, const char *name) {
  size_t n = strlen(name);
  if (strncmp(line, name, n) == 0 && line[n] == '=') {
    snprintf(to, size, "%s", line + n + 1);
    to[strcspn(to, "\n")] = 0;
  }
}

/* Looks at the control file's time at most every 2 ms, and reads it when it has changed. */
static int xid_pending;
static void read_control(void) {
  static u64 looked_us;
  static struct timespec seen;
  static off_t seen_size = -1;
  static ino_t seen_inode;
  static const char *path;
  static int known;
  if (!known) { known = 1; path = getenv("WARPDECK_TEST_NVML_CONTROL"); control.gpus = -1; control.frame = -1; }
  if (!path) return;
  u64 now = now_us();
  if (looked_us && now - looked_us < 2000) return;
  looked_us = now;
  struct stat s;
  if (stat(path, &s) != 0) return;
  if (s.st_mtim.tv_sec == seen.tv_sec && s.st_mtim.tv_nsec == seen.tv_nsec && s.st_size == seen_size && s.st_ino == seen_inode) return;
  seen = s.st_mtim;
  seen_size = s.st_size;
  seen_inode = s.st_ino;
  FILE *file = fopen(path, "r");
  if (!file) return;
  memset(&control, 0, sizeof control);
  control.gpus = control.frame = -1;
  char line[1200];
  while (fgets(line, sizeof line, file)) {
    sscanf(line, "init=%d", &control.init);
    sscanf(line, "gpus=%d", &control.gpus);
    sscanf(line, "processes=%d", &control.processes);
    sscanf(line, "process_growth=%d", &control.growth);
    sscanf(line, "frame=%d", &control.frame);
    if (!strncmp(line, "process_memory=none", 19)) control.no_process_memory = 1;
    if (!strncmp(line, "cost_us=measured", 16)) control.measured_cost = 1;
    else sscanf(line, "cost_us=%lf", &control.cost_us);
    set_text(control.lost, sizeof control.lost, line, "lost");
    set_text(control.reset, sizeof control.reset, line, "reset");
    set_text(control.hang, sizeof control.hang, line, "hang");
    set_text(control.crash, sizeof control.crash, line, "abort");
    set_text(control.segv, sizeof control.segv, line, "segv");
    set_text(control.garbage, sizeof control.garbage, line, "garbage");
    set_text(control.unsupported, sizeof control.unsupported, line, "unsupported");
    set_text(control.fail, sizeof control.fail, line, "fail");
    set_text(control.xid, sizeof control.xid, line, "xid");
  }
  fclose(file);
  xid_pending = control.xid[0] != 0;
}

/* Is a name in a comma-separated list? "all" is every name. */
static int listed(const char *list, const char *name) {
  size_t n = strlen(name);
  for (const char *p = list; *p; ) {
    size_t w = strcspn(p, ",");
    if ((w == n && strncmp(p, name, n) == 0) || (w == 3 && strncmp(p, "all", 3) == 0)) return 1;
    p += w + (p[w] == ',');
  }
  return 0;
}

/* These count up for ever: when the frames begin again, what one round added is added once more. */
static int counts_up(int k) {
  return k == K_energy_mj || k == K_pcie_tx || k == K_pcie_rx || k == K_nvlink_tx_kib || k == K_nvlink_rx_kib ||
         k == K_r_power_ns || k == K_r_swtherm_ns || k == K_r_hwtherm_ns || k == K_r_brake_ns;
}

static u64 started_us;

static long long value_of(int device, int k) {
  if (control.unsupported[0] && listed(control.unsupported, key_names[k])) return NOT_GIVEN;
  if (feed.frames == 0) return feed.device[device].base[k];
  u64 passed = now_us() - started_us;
  u64 tick = control.frame >= 0 ? (u64)control.frame : passed / feed.period_us;
  u64 round = tick / (u64)feed.frames;
  long long v = feed.value[tick % (u64)feed.frames][device][k];
  if (v == NOT_GIVEN || !counts_up(k) || feed.frames < 2) return v;
  u64 f = tick % (u64)feed.frames;
  long long span = feed.value[feed.frames - 1][device][k] - feed.value[0][device][k];
  long long mean = span / (feed.frames - 1);
  long long step = f + 1 < (u64)feed.frames ? feed.value[f + 1][device][k] - v : mean;
  if (control.frame >= 0) return v;
  /* Counters move within a frame, too: they are read at times of their own. */
  return v + (long long)round * (span + mean) + (long long)((double)step * (double)(passed % feed.period_us) / (double)feed.period_us);
}

#endif
