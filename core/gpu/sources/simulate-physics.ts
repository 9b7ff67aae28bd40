import type { GpuModel } from './gpu-models.ts';
import type { Load } from './simulate-load.ts';

/** Event-reason bits of nvml.h that the model sets. */
export const reasonBits = { idle: 0x1, powerCap: 0x4, hardwareSlowdown: 0x8, softwareThermal: 0x20, hardwareThermal: 0x40 } as const;

export interface Surroundings {
  readonly roomCelsius: number;
  /** 1 is a clean cooler; 1.3 one whose intake is blocked by a third. */
  readonly coolerResistance: number;
  /** As set in the driver; left out: the board's default. */
  readonly powerLimitWatts?: number;
  /** The SM clock is held at or under it; null: free. */
  readonly smClockLockMhz?: number | null;
}

export interface PhysicalState {
  powerWatts: number;
  clockSmMhz: number;
  /** What the clock would be without heat and power cap. */
  wantedClockMhz: number;
  sinkCelsius: number;
  dieCelsius: number;
  fanPercent: number;
  /** 1 … 0.55: how far the driver lowered the clock for heat. */
  heatFactor: number;
  hardwareHot: boolean;
  idleSeconds: number;
  eventReasons: number;
  energyJoules: number;
  powerCapSeconds: number;
  thermalSoftwareSeconds: number;
  thermalHardwareSeconds: number;
}

/** Dynamic power follows clock and voltage together; between square and cube on real curves. */
const CLOCK_EXPONENT = 2.2;
/** First-order lags, seconds: power behind load, die behind power, heatsink behind die, fan behind temperature. */
const LAG = { power: 0.22, die: 1.6, sink: 26, fan: 3 } as const;
const ROOM = 24;

export function initialState(model: GpuModel): PhysicalState {
  return {
    powerWatts: model.powerIdleWatts, clockSmMhz: model.clockIdleSmMhz, wantedClockMhz: model.clockIdleSmMhz, sinkCelsius: ROOM + 8, dieCelsius: ROOM + 9,
    fanPercent: 30, heatFactor: 1, hardwareHot: false, idleSeconds: 0, eventReasons: reasonBits.idle, energyJoules: 0,
    powerCapSeconds: 0, thermalSoftwareSeconds: 0, thermalHardwareSeconds: 0,
  };
}

/** Drivers step the SM clock by 15 MHz. Rounded down, so that a capped clock never costs more than the cap. */
const floor15 = (mhz: number): number => Math.floor(mhz / 15) * 15;

/**
 * One step of `dt` seconds: load → clock (boost, heat, power cap) → power → heat → fan. Changes `s` in place:
 * this runs 10 times a second for each device. `noise` is −1 … 1.
 */
export function stepPhysics(model: GpuModel, s: PhysicalState, load: Readonly<Load>, around: Surroundings, dt: number, noise: number): void {
  // What the chip would draw follows the board; what it may draw follows the limit that is set.
  const limit = model.powerDefaultLimitWatts;
  const allowed = around.powerLimitWatts ?? limit;
  const busy = load.busyShare > 0.004;
  s.idleSeconds = busy ? 0 : s.idleSeconds + dt;
  const awake = s.idleSeconds < 2.5;

  // Boost falls by one step for each 6 °C above 45 °C: that is no throttling, and sets no bit.
  const boost = Math.min(around.smClockLockMhz ?? Infinity, model.clockMaxSmMhz - 15 * Math.max(0, Math.floor((s.dieCelsius - 45) / 6)));
  const wanted = awake ? Math.max(model.clockIdleSmMhz, floor15(boost)) : model.clockIdleSmMhz;
  s.wantedClockMhz = wanted;

  const over = s.dieCelsius - model.softThermalCelsius;
  if (over > 0) s.heatFactor = Math.max(0.55, s.heatFactor - over * 0.035 * dt);
  else if (over < -1.2) s.heatFactor = Math.min(1, s.heatFactor + 0.02 * dt);
  s.hardwareHot = s.hardwareHot ? s.dieCelsius > model.slowdownCelsius - 3 : s.dieCelsius >= model.slowdownCelsius;
  let clock = awake ? wanted * s.heatFactor : wanted;
  if (awake && s.hardwareHot) clock = Math.min(clock, model.clockMaxSmMhz * 0.5);
  // The last degrees before shutdown: the board saves itself.
  if (awake && s.dieCelsius >= model.shutdownCelsius - 3) clock = Math.min(clock, model.clockMaxSmMhz * 0.15);
  clock = awake ? Math.max(model.clockIdleSmMhz, floor15(clock)) : clock;
  const byHeat = clock < wanted;

  const base = model.powerIdleWatts + (awake ? 0.07 * limit : 0);
  const dynamic = Math.max(0, 1.14 * limit - base) * load.pressure;
  const capped = dynamic > 0 ? Math.pow(Math.max(0.01, (allowed * 0.996 - base) / dynamic), 1 / CLOCK_EXPONENT) * model.clockMaxSmMhz : Infinity;
  const byPower = capped < clock;
  if (byPower) clock = Math.max(model.clockIdleSmMhz, floor15(capped));
  s.clockSmMhz = clock;

  const target = base + dynamic * Math.pow(clock / model.clockMaxSmMhz, CLOCK_EXPONENT);
  s.powerWatts += (target - s.powerWatts) * (1 - Math.exp(-dt / LAG.power));
  s.powerWatts = Math.max(model.powerIdleWatts * 0.9, s.powerWatts * (1 + 0.004 * noise));

  let bits = 0;
  if (!awake) bits |= reasonBits.idle;
  if (byPower) bits |= reasonBits.powerCap;
  if (byHeat) bits |= s.hardwareHot || s.dieCelsius >= model.shutdownCelsius - 3 ? reasonBits.hardwareThermal | reasonBits.hardwareSlowdown : reasonBits.softwareThermal;
  s.eventReasons = bits;
  if (byPower) s.powerCapSeconds += dt;
  if ((bits & reasonBits.softwareThermal) !== 0) s.thermalSoftwareSeconds += dt;
  if ((bits & reasonBits.hardwareThermal) !== 0) s.thermalHardwareSeconds += dt;

  stepHeat(model, s, around, dt);
  s.energyJoules += s.powerWatts * dt;
}

/** Two thermal masses (die, heatsink) to the room, with a fan that follows the die. */
function stepHeat(model: GpuModel, s: PhysicalState, around: Surroundings, dt: number): void {
  const resistance = (model.fullLoadCelsius - ROOM) / model.powerDefaultLimitWatts;
  const airflow = model.fanCount === null ? 1 : 0.45 + 0.55 * (s.fanPercent / 100);
  const sinkTarget = around.roomCelsius + (s.powerWatts * 0.68 * resistance * around.coolerResistance) / airflow;
  s.sinkCelsius += (sinkTarget - s.sinkCelsius) * (1 - Math.exp(-dt / LAG.sink));
  const dieTarget = s.sinkCelsius + s.powerWatts * 0.32 * resistance;
  s.dieCelsius += (dieTarget - s.dieCelsius) * (1 - Math.exp(-dt / LAG.die));
  if (model.fanCount !== null) {
    const span = model.softThermalCelsius - 6 - 45;
    const wanted = s.dieCelsius < 42 ? 0 : Math.min(100, 30 + (70 * Math.max(0, s.dieCelsius - 45)) / span);
    s.fanPercent += (wanted - s.fanPercent) * (1 - Math.exp(-dt / LAG.fan));
  }
}
