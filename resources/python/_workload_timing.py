"""How long something takes, on a GPU by its own events and on a processor by its clock; and what stands between.

One sample is a group of repetitions: at least GPU_SECONDS or CPU_SECONDS long, so that the clock's grain and the start
of the first kernel do not count.
"""
import math
import os
import time

GPU_SECONDS = 0.02
CPU_SECONDS = 0.05
# Where another process measures in between, a GPU comes from idle clocks each time: so long it is brought back to work
# untimed, and the sample is long enough for power to be read in it (the driver's mean is of 100 ms).
LEAD_SECONDS = 0.1
ALTERNATING_SECONDS = 0.3
# What a group aims at over its least length, so that it rarely has to be taken again.
MARGIN = 1.15
MOST_REPETITIONS = 100000
# Of a group whose repetitions have an event pair each (cold caches).
MOST_PAIRS = 2000
# Written between repetitions that would find their data in a cache: 256 MB as triton's do_bench, or twice a larger L2.
FLUSH_BYTES = 256 * 1024 * 1024
AGREE = 0.01
LAST = 10


class Place(object):
    """Where it runs: `name` for torch (`cuda:0`, `cpu`), `capability` of a GPU, `l2_bytes` where this torch says it."""

    def __init__(self, torch, key, name):
        self.torch, self.key, self.name = torch, key, name
        self.gpu = name != "cpu"
        self.capability = None
        self.l2_bytes = None
        self.title = "the processor"

    def wait(self):
        if self.gpu:
            self.torch.cuda.synchronize()


def now_ms():
    return time.time() * 1000.0


class Timer(object):
    """Times `run`. `traffic` is the bytes that one repetition moves (None: caches are no matter); `each` waits for every
    repetition (a latency); `alternating`: another process works between two samples; `meter` answers joules."""

    def __init__(self, place, run, traffic=None, each=False, alternating=False, meter=None):
        self.place, self.run, self.each = place, run, each
        self.meter = meter
        self.ran = 0
        self.lead = LEAD_SECONDS if place.gpu and alternating else 0.0
        self.least = CPU_SECONDS if not place.gpu else ALTERNATING_SECONDS if alternating else GPU_SECONDS
        self.seconds_each = None
        self.buffer = None
        self.flush_bytes = 0
        if traffic is not None:
            size = max(FLUSH_BYTES, 2 * (place.l2_bytes or 0))
            # A repetition that moves four times as much leaves nothing of its beginning in the cache.
            if traffic < 4 * size:
                self.flush_bytes = size
                self.buffer = place.torch.empty(size // 4, dtype=place.torch.int32, device=place.name)

    def repetitions(self):
        most = MOST_PAIRS if self.buffer is not None else MOST_REPETITIONS
        if self.seconds_each is None:
            return 1
        return int(max(1, min(most, math.ceil(self.least * MARGIN / max(self.seconds_each, 1e-9)))))

    def group(self, repetitions):
        """Seconds of so many repetitions; `ran` are those that ran for it, untimed ones too."""
        self.ran = repetitions
        if self.buffer is not None:
            seconds = self._cold(repetitions)
        elif self.each or not self.place.gpu:
            seconds = self._by_clock(repetitions)
        else:
            seconds = self._by_events(repetitions)
        # An event's grain is half a microsecond.
        self.seconds_each = max(seconds, 1e-9) / repetitions
        return seconds

    def _by_events(self, repetitions):
        cuda = self.place.torch.cuda
        begin, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        cuda.synchronize()
        if repetitions > 1:
            # Untimed: the clock starts when there is work queued, not while the first is being launched.
            self.run()
            self.ran += 1
        begin.record()
        for _ in range(repetitions):
            self.run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1000.0

    def _by_clock(self, repetitions):
        self.place.wait()
        started = time.perf_counter()
        for _ in range(repetitions):
            self.run()
            if self.each:
                self.place.wait()
        self.place.wait()
        return time.perf_counter() - started

    def _cold(self, repetitions):
        if not self.place.gpu or self.each:
            total = 0.0
            for _ in range(repetitions):
                self.buffer.fill_(1)
                total += self._by_clock(1)
            return total
        cuda = self.place.torch.cuda
        pairs = []
        cuda.synchronize()
        for _ in range(repetitions):
            self.buffer.fill_(1)
            begin, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
            begin.record()
            self.run()
            end.record()
            pairs.append((begin, end))
        cuda.synchronize()
        return sum(begin.elapsed_time(end) for begin, end in pairs) / 1000.0

    def calibrate(self):
        if self.seconds_each is None:
            self.group(1)
            self.group(self.repetitions())

    def joules(self):
        return None if self.meter is None else self.meter.joules()

    def lead_in(self):
        if self.lead == 0.0:
            return
        started = time.perf_counter()
        while time.perf_counter() - started < self.lead:
            self.run()
            self.place.wait()

    def warm_up(self, seconds, tick):
        """Until the last ten times agree within 1 % or the time is over. Answers (seconds taken, groups, agreed)."""
        started = time.perf_counter()
        self.calibrate()
        times = []
        agreed = False
        while not agreed and time.perf_counter() - started < seconds:
            self.group(self.repetitions())
            times.append(self.seconds_each)
            last = times[-LAST:]
            agreed = len(last) == LAST and max(last) - min(last) <= AGREE * sorted(last)[LAST // 2]
            tick()
        return time.perf_counter() - started, len(times), agreed

    def sample(self):
        """(seconds of one repetition, repetitions, start and end in ms since 1970, joules of the repetitions or None)."""
        self.calibrate()
        self.lead_in()
        while True:
            repetitions = self.repetitions()
            before = self.joules()
            started = now_ms()
            seconds = self.group(repetitions)
            ended = now_ms()
            after = self.joules()
            if seconds >= self.least or self.repetitions() <= repetitions:
                joules = None if before is None or after is None or after < before else (after - before) * repetitions / self.ran
                return seconds / repetitions, repetitions, started, ended, joules


def available_bytes():
    """Memory that the processor's side may still take; None where the system does not say. Filling more would not fail here but end another program."""
    found = []
    try:
        with open("/proc/meminfo") as text:
            for line in text:
                if line.startswith("MemAvailable:"):
                    found.append(int(line.split()[1]) * 1024)
        with open("/sys/fs/cgroup/memory.max") as text:
            most = text.read().strip()
        if most != "max":
            with open("/sys/fs/cgroup/memory.current") as text:
                current = int(text.read())
            with open("/sys/fs/cgroup/memory.stat") as text:
                # Given back when somebody needs it.
                cached = sum(int(line.split()[1]) for line in text if line.split()[0] in ("inactive_file", "active_file"))
            found.append(max(0, int(most) - current + cached))
    except (OSError, ValueError, IndexError):
        pass
    if not found and hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found) if found else None
