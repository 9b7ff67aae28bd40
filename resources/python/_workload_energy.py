"""Energy that a GPU has taken, by the driver's own counter, read right before and after a sample.

The counter (nvmlDeviceGetTotalEnergyConsumption, mJ since the driver was loaded; Volta and newer) moves every 20 to
100 ms, so that one short sample is off by as much; over the samples of a card that falls out. Readings of power from
outside are means of a second on some GPUs and would mix two processes that take turns.
"""
import ctypes
import sys


class Meter(object):
    """`joules()` answers the counter; None where the driver does not report it."""

    def __init__(self, uuid):
        self.library, self.device = None, ctypes.c_void_p()
        try:
            library = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
            if library.nvmlInit_v2() == 0 and library.nvmlDeviceGetHandleByUUID(uuid.encode("ascii"), ctypes.byref(self.device)) == 0:
                self.library = library
        except (OSError, AttributeError, ValueError):
            pass

    def joules(self):
        if self.library is None:
            return None
        millijoules = ctypes.c_ulonglong()
        try:
            if self.library.nvmlDeviceGetTotalEnergyConsumption(self.device, ctypes.byref(millijoules)) != 0:
                return None
        except AttributeError:
            return None
        return millijoules.value / 1000.0


class NoMeter(object):
    def joules(self):
        return None
