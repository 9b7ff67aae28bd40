/*
 * A libnvidia-ml.so.1 for tests: the part of NVML that Warpdeck calls, with NVIDIA's struct layouts and return
 * codes (nvml.h, API 13), answering from a feed and a control file (nvml-feed.h).
 * -DWITHOUT_<function> leaves one function out, as an old driver does.
 */
#include <signal.h>
#include "nvml-feed.h"

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, TIMEOUT = 10, LOST = 15, RESET = 16 };
typedef feed_device *device_t;
typedef unsigned u32;

static int initialised;

/* Measured on an H200 through NVML itself, microseconds: a busy wait stands for the driver's own work. */
static double cost_of(const char *call) {
  if (!control.measured_cost) return control.cost_us;
  if (!strncmp(call, "nvmlDeviceGetMemoryInfo", 23)) return 4.9;
  if (!strcmp(call, "nvmlDeviceGetUtilizationRates") || !strncmp(call, "nvmlDeviceGetTemperature", 24)) return 0.9;
  return 0.8;
}

/* What every call begins with: faults by name, cost, a code by name. */
static int enter(const char *call, device_t d) {
  read_control();
  if (control.crash[0] && !strcmp(control.crash, call)) abort();
  if (control.segv[0] && !strcmp(control.segv, call)) raise(11);
  while (control.hang[0] && !strcmp(control.hang, call)) { usleep(5000); read_control(); }
  if (control.cost_us > 0 || control.measured_cost) {
    double cost = cost_of(call);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    do clock_gettime(CLOCK_MONOTONIC, &b);
    while ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3 < cost);
  }
  for (const char *p = strstr(control.fail, call); p; p = strstr(p + 1, call))
    if (p[strlen(call)] == ':') return atoi(p + strlen(call) + 1);
  if (d) {
    if (!initialised) return UNINITIALIZED;
    const feed_device *board = d->parent >= 0 ? &feed.device[d->parent] : d;
    if (control.lost[0] && listed(control.lost, board->uuid)) return LOST;
    if (control.reset[0] && listed(control.reset, board->uuid)) return RESET;
  }
  return OK;
}

#define ENTER(d) do { int code = enter(__func__, d); if (code) return code; } while (0)
static int index_of(device_t d) { return (int)(d - feed.device); }

/* One value, or all ones where the control file asks for garbage. */
static int get(device_t d, int k, u64 *out) {
  long long v = value_of(index_of(d), k);
  if (v == NOT_GIVEN) return NOT_SUPPORTED;
  *out = control.garbage[0] && listed(control.garbage, key_names[k]) ? ~0ull : (u64)v;
  return OK;
}
static int get32(device_t d, int k, u32 *out) {
  u64 v;
  int code = get(d, k, &v);
  if (code == OK) *out = (u32)v;
  return code;
}
static int text(const char *value, char *out, u32 length) {
  if (!value[0]) return NOT_SUPPORTED;
  if (strlen(value) >= length) return TOO_SMALL;
  strcpy(out, value);
  return OK;
}
static int gpu_count(void) {
  int n = 0;
  for (int i = 0; i < feed.devices; i++) n += feed.device[i].parent < 0;
  return control.gpus >= 0 && control.gpus < n ? control.gpus : n;
}

#define GAUGE(function, k) int function(device_t d, u32 *out) { ENTER(d); return get32(d, k, out); }
#define GAUGE2(function, k, second) int function(device_t d, u32 *a, u32 *b) { ENTER(d); *b = (second); return get32(d, k, a); }

#ifndef WITHOUT_nvmlInit_v2
int nvmlInit_v2(void) {
  read_control();
  int code = enter(__func__, NULL);
  if (code || control.init) return code ? code : control.init;
  if (!feed.devices && !read_feed()) return 9;
  if (!started_us) started_us = now_us();
  initialised = 1;
  return OK;
}
#endif
int nvmlShutdown(void) { initialised = 0; return OK; }
int nvmlSystemGetDriverVersion(char *out, u32 n) { ENTER(NULL); return text(feed.driver, out, n); }
int nvmlSystemGetNVMLVersion(char *out, u32 n) { ENTER(NULL); return text(feed.nvml, out, n); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { ENTER(NULL); *out = feed.cuda; return OK; }
int nvmlDeviceGetCount_v2(u32 *out) { ENTER(NULL); if (!initialised) return UNINITIALIZED; *out = (u32)gpu_count(); return OK; }
int nvmlDeviceGetHandleByIndex_v2(u32 i, device_t *out) {
  ENTER(NULL);
  if ((int)i >= gpu_count()) return INVALID;
  for (int n = 0; n < feed.devices; n++) {
    if (feed.device[n].parent >= 0 || i-- != 0) continue;
    *out = &feed.device[n];
    return control.lost[0] && listed(control.lost, feed.device[n].uuid) ? LOST : OK;
  }
  return INVALID;
}

int nvmlDeviceGetUUID(device_t d, char *out, u32 n) { ENTER(d); return text(d->uuid, out, n); }
int nvmlDeviceGetName(device_t d, char *out, u32 n) { ENTER(d); return text(d->name, out, n); }
int nvmlDeviceGetVbiosVersion(device_t d, char *out, u32 n) { ENTER(d); return text(d->vbios, out, n); }
int nvmlDeviceGetPciInfo_v3(device_t d, char *out) {
  ENTER(d);
  if (!d->bus[0]) return NOT_SUPPORTED;
  memset(out, 0, 68);
  memcpy(out + 36, d->bus, sizeof d->bus); /* busId stands after the 16-byte legacy id and five words */
  return OK;
}
GAUGE(nvmlDeviceGetArchitecture, K_arch)
int nvmlDeviceGetCudaComputeCapability(device_t d, int *major, int *minor) {
  ENTER(d);
  u32 v;
  int code = get32(d, K_cc, &v);
  if (code == OK) { *major = (int)v / 10; *minor = (int)v % 10; }
  return code;
}
GAUGE(nvmlDeviceGetPersistenceMode, K_persistence)
GAUGE(nvmlDeviceGetDisplayActive, K_display)
GAUGE2(nvmlDeviceGetEccMode, K_ecc_mode, 0)
GAUGE2(nvmlDeviceGetMigMode, K_mig_mode, 0)
int nvmlDeviceGetMaxMigDeviceCount(device_t d, u32 *out) { ENTER(d); u32 v; *out = get32(d, K_mig_mode, &v) == OK ? 7 : 0; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(device_t d, u32 i, device_t *out) {
  ENTER(d);
  for (int n = 0; n < feed.devices; n++)
    if (feed.device[n].parent == index_of(d) && i-- == 0) { *out = &feed.device[n]; return OK; }
  return NOT_FOUND;
}
GAUGE(nvmlDeviceGetPowerManagementDefaultLimit, K_power_default_mw)
int nvmlDeviceGetPowerManagementLimitConstraints(device_t d, u32 *low, u32 *high) {
  ENTER(d);
  int code = get32(d, K_power_min_mw, low);
  return code ? code : get32(d, K_power_max_mw, high);
}
GAUGE(nvmlDeviceGetEnforcedPowerLimit, K_limit_mw)
int nvmlDeviceGetTemperatureThreshold(device_t d, int which, u32 *out) {
  ENTER(d);
  return which == 0 ? get32(d, K_temp_shutdown, out) : which == 1 ? get32(d, K_temp_slowdown, out) : which == 3 ? get32(d, K_temp_gpu_max, out) : NOT_SUPPORTED;
}
static int clock_of(device_t d, int domain, int sm, int memory, int video, u32 *out) {
  return domain == 0 || domain == 1 ? get32(d, sm, out) : domain == 2 ? get32(d, memory, out) : domain == 3 && video >= 0 ? get32(d, video, out) : NOT_SUPPORTED;
}
int nvmlDeviceGetClockInfo(device_t d, int domain, u32 *out) { ENTER(d); return clock_of(d, domain, K_sm_mhz, K_mem_mhz, K_video_mhz, out); }
int nvmlDeviceGetMaxClockInfo(device_t d, int domain, u32 *out) { ENTER(d); return clock_of(d, domain, K_max_sm_mhz, K_max_mem_mhz, -1, out); }
GAUGE(nvmlDeviceGetMaxPcieLinkGeneration, K_max_gen)
GAUGE(nvmlDeviceGetMaxPcieLinkWidth, K_max_width)
GAUGE(nvmlDeviceGetCurrPcieLinkGeneration, K_gen)
GAUGE(nvmlDeviceGetCurrPcieLinkWidth, K_width)
GAUGE(nvmlDeviceGetPerformanceState, K_pstate)
GAUGE2(nvmlDeviceGetEncoderUtilization, K_enc, 100000)
GAUGE2(nvmlDeviceGetDecoderUtilization, K_dec, 100000)
GAUGE(nvmlDeviceGetNumFans, K_fans)
int nvmlDeviceGetFanSpeed_v2(device_t d, u32 fan, u32 *out) { ENTER(d); u32 n; if (get32(d, K_fans, &n) || fan >= n) return INVALID; return get32(d, K_fan, out); }
int nvmlDeviceGetFanSpeedRPM(device_t d, u32 *info) { ENTER(d); return get32(d, K_fan_rpm, &info[2]); }

int nvmlDeviceGetUtilizationRates(device_t d, u32 *out) {
  ENTER(d);
  int code = get32(d, K_util, &out[0]);
  return code ? code : get32(d, K_utilmem, &out[1]);
}
GAUGE(nvmlDeviceGetPowerUsage, K_power_mw)
#ifndef WITHOUT_nvmlDeviceGetCurrentClocksEventReasons
int nvmlDeviceGetCurrentClocksEventReasons(device_t d, u64 *out) { ENTER(d); return get(d, K_reasons, out); }
#endif
int nvmlDeviceGetCurrentClocksThrottleReasons(device_t d, u64 *out) { ENTER(d); return get(d, K_reasons, out); }
#ifndef WITHOUT_nvmlDeviceGetTemperatureV
int nvmlDeviceGetTemperatureV(device_t d, u32 *info) {
  ENTER(d);
  if (info[0] != (12u | 1u << 24)) return 25; /* argument version mismatch */
  return get32(d, K_temp, &info[2]);
}
#endif
int nvmlDeviceGetTemperature(device_t d, int sensor, u32 *out) { ENTER(d); return sensor ? INVALID : get32(d, K_temp, out); }
static int memory_of(device_t d, u64 *total, u64 *free_bytes, u64 *used, u64 *reserved) {
  int code = get(d, K_mem_total, total);
  if (code) return code;
  if (get(d, K_mem_reserved, reserved)) *reserved = 0;
  code = get(d, K_mem_used, used);
  if (code == OK && get(d, K_mem_free, free_bytes)) *free_bytes = *total - *used - *reserved;
  return code;
}
#ifndef WITHOUT_nvmlDeviceGetMemoryInfo_v2
int nvmlDeviceGetMemoryInfo_v2(device_t d, u64 *out) {
  ENTER(d);
  if (*(u32 *)out != (40u | 2u << 24)) return 25;
  return memory_of(d, &out[1], &out[3], &out[4], &out[2]);
}
#endif
int nvmlDeviceGetMemoryInfo(device_t d, u64 *out) {
  ENTER(d);
  u64 reserved;
  int code = memory_of(d, &out[0], &out[1], &out[2], &reserved);
  if (code == OK) out[2] += reserved; /* version 1 counts what the system reserves as used */
  return code;
}
int nvmlDeviceGetTotalEnergyConsumption(device_t d, u64 *out) { ENTER(d); return get(d, K_energy_mj, out); }
int nvmlDeviceGetTotalEccErrors(device_t d, int type, int counter, u64 *out) { ENTER(d); (void)counter; return get(d, type ? K_ecc_u : K_ecc_c, out); }
int nvmlDeviceGetNvLinkState(device_t d, u32 link, u32 *out) {
  ENTER(d);
  u32 count, active;
  if (get32(d, K_nvlinks, &count) || link >= count) return INVALID;
  int code = get32(d, K_nvlink_active, &active);
  if (code == OK) *out = link < active;
  return code;
}
int nvmlDeviceGetNvLinkErrorCounter(device_t d, u32 link, int counter, u64 *out) {
  ENTER(d);
  u32 count;
  if (get32(d, K_nvlinks, &count) || link >= count) return INVALID;
  int code = get(d, K_nvlink_errors, out);
  if (code == OK && (link != 0 || counter != 0)) *out = 0; /* all of them stand in the first */
  return code;
}

#ifndef WITHOUT_nvmlDeviceGetFieldValues
typedef struct { u32 id, scope; long long time_us, latency_us; int type, code; union { u32 u; u64 q; } value; } field_t;
static const struct { u32 id; int key; int wide; } field_keys[] = {
  { 186, K_power_mw, 0 }, { 82, K_temp_mem, 0 }, { 83, K_energy_mj, 1 }, { 94, K_replays, 0 },
  { 197, K_pcie_tx, 0 }, { 198, K_pcie_rx, 0 }, { 138, K_nvlink_tx_kib, 1 }, { 139, K_nvlink_rx_kib, 1 },
  { 74, K_r_power_ns, 1 }, { 269, K_r_swtherm_ns, 1 }, { 270, K_r_hwtherm_ns, 1 }, { 271, K_r_brake_ns, 1 },
  { 91, K_nvlinks, 0 }, { 142, K_remap, 1 }, { 144, K_remap_pending, 1 },
};
int nvmlDeviceGetFieldValues(device_t d, int count, field_t *f) {
  ENTER(d);
  for (int i = 0; i < count; i++) {
    u64 v = 0;
    f[i].code = NOT_SUPPORTED;
    f[i].time_us = (long long)now_us();
    f[i].latency_us = 1;
    for (size_t n = 0; n < sizeof field_keys / sizeof field_keys[0]; n++) {
      if (field_keys[n].id != f[i].id) continue;
      f[i].code = get(d, field_keys[n].key, &v);
      f[i].type = field_keys[n].wide ? 3 : 1;
      f[i].value.q = field_keys[n].wide ? v : (u32)v;
    }
    /* Corrected and uncorrected rows are two fields: all of them stand in the first. */
    if (f[i].id == 143) { f[i].code = value_of(index_of(d), K_remap) == NOT_GIVEN ? NOT_SUPPORTED : OK; f[i].type = 3; f[i].value.q = 0; }
    /* What the real library does here (driver 580.159.04, H200): it damages the heap. Nobody may ask for these. */
    if (f[i].id >= 161 && f[i].id <= 163) abort();
  }
  return OK;
}
#endif

typedef struct { u32 pid; u64 bytes; u32 gpu_instance, compute_instance; } process_t;
static int list_processes(device_t d, char type, u32 *count, process_t *out) {
  static int grown;
  u32 n = 0, room = *count;
  long long supported = value_of(index_of(d), K_processes_supported);
  if (supported == 0) return NOT_SUPPORTED;
  if (control.processes && type == 'c' && index_of(d) == 0) {
    n = (u32)(control.processes + grown);
    grown += control.growth;
    for (u32 i = 0; i < n && i < room; i++) out[i] = (process_t){ 100000 + i, (u64)(i + 1) << 20, ~0u, ~0u };
  } else {
    for (int i = 0; i < feed.processes; i++) {
      if ((int)feed.process[i].device != index_of(d) || feed.process[i].type != type) continue;
      if (n < room) out[n] = (process_t){ feed.process[i].pid, control.no_process_memory ? ~0ull : feed.process[i].bytes, ~0u, ~0u };
      n++;
    }
  }
  *count = n;
  return n > room ? TOO_SMALL : OK;
}
#ifndef WITHOUT_nvmlDeviceGetComputeRunningProcesses_v3
int nvmlDeviceGetComputeRunningProcesses_v3(device_t d, u32 *count, process_t *out) { ENTER(d); return list_processes(d, 'c', count, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(device_t d, u32 *count, process_t *out) { ENTER(d); return list_processes(d, 'g', count, out); }
#endif
typedef struct { u32 pid; u64 time_us; u32 sm, mem, enc, dec; } usage_t;
#ifndef WITHOUT_nvmlDeviceGetProcessUtilization
int nvmlDeviceGetProcessUtilization(device_t d, usage_t *out, u32 *count, u64 last_seen_us) {
  ENTER(d);
  u32 n = 0, room = *count;
  u64 now = now_us();
  if (value_of(index_of(d), K_processes_supported) == 0) return NOT_SUPPORTED;
  if (last_seen_us + 1000 > now) return NOT_FOUND;
  for (int i = 0; i < feed.processes; i++) {
    const feed_process *p = &feed.process[i];
    if ((int)p->device != index_of(d) || p->sm + p->mem == 0) continue;
    if (out && n < room) out[n] = (usage_t){ p->pid, now, p->sm, p->mem, 0, 0 };
    n++;
  }
  *count = n;
  return n == 0 ? NOT_FOUND : !out || n > room ? TOO_SMALL : OK;
}
#endif

#ifndef WITHOUT_nvmlEventSetCreate
int nvmlEventSetCreate(void **out) { ENTER(NULL); static int set; *out = &set; return OK; }
int nvmlEventSetFree(void *set) { (void)set; return OK; }
int nvmlDeviceRegisterEvents(device_t d, u64 types, void *set) { ENTER(d); (void)types; (void)set; return d->parent >= 0 ? NOT_SUPPORTED : OK; }
typedef struct { device_t device; u64 type, data; u32 gpu_instance, compute_instance; } event_t;
int nvmlEventSetWait_v2(void *set, event_t *out, u32 timeout_ms) {
  ENTER(NULL);
  (void)set; (void)timeout_ms;
  if (!xid_pending) return TIMEOUT;
  xid_pending = 0;
  const char *colon = strrchr(control.xid, ':');
  for (int i = 0; colon && i < feed.devices; i++)
    if (!strncmp(feed.device[i].uuid, control.xid, (size_t)(colon - control.xid))) {
      *out = (event_t){ &feed.device[i], 8, strtoull(colon + 1, NULL, 10), ~0u, ~0u };
      return OK;
    }
  return TIMEOUT;
}
#endif
