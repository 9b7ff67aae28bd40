import type { ReactNode } from 'react';
import type { Device } from '../../../contract/gpu.ts';
import type { AlertSettings } from '../../../contract/settings.ts';
import { Button } from '../../ui/button.tsx';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatDeviceName } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { Select } from '../../ui/select.tsx';

type ExceptionMap = AlertSettings['exceptions'];

interface ExceptionsProps {
  readonly devices: readonly Device[];
  readonly exceptions: ExceptionMap;
  onChange(exceptions: ExceptionMap): void;
}

/** `exceptions` without one device. Pure. */
export function withoutException(exceptions: ExceptionMap, uuid: string): ExceptionMap {
  return Object.fromEntries(Object.entries(exceptions).filter(([key]) => key !== uuid));
}

/** Limits of single devices, indented below the common one. */
export function Exceptions({ devices, exceptions, onChange }: ExceptionsProps): ReactNode {
  const free = devices.filter((d) => !(d.uuid in exceptions));
  const set = (uuid: string, change: Partial<ExceptionMap[string]>): void => onChange({ ...exceptions, [uuid]: { ...exceptions[uuid], ...change } });
  return (
    <>
      {Object.entries(exceptions).map(([uuid, limits]) => {
        const device = devices.find((d) => d.uuid === uuid);
        const name = device ? formatDeviceName(device.name) : `${uuid.slice(0, 12)}…`;
        return (
          <li key={uuid} className="ov">
            {device ? <DeviceMark index={device.index} /> : <span />}
            <span className="m" title={uuid}>
              {name}
            </span>
            <span className="ctl">
              <NumberField label={`${name}: temperature above`} value={limits.celsius ?? null} unit="°C" min={30} max={120} placeholder="auto" optional onChange={(v) => (v === null ? onChange({ ...withoutException(exceptions, uuid), [uuid]: limits.memoryPercent === undefined ? {} : { memoryPercent: limits.memoryPercent } }) : set(uuid, { celsius: v }))} />
              <NumberField label={`${name}: memory above`} value={limits.memoryPercent ?? null} unit="%" min={10} max={100} placeholder="auto" optional onChange={(v) => (v === null ? onChange({ ...withoutException(exceptions, uuid), [uuid]: limits.celsius === undefined ? {} : { celsius: limits.celsius } }) : set(uuid, { memoryPercent: v }))} />
              <Button look="bare" small icon="x" label={`Remove the exception for the ${name}`} onClick={() => onChange(withoutException(exceptions, uuid))} />
            </span>
          </li>
        );
      })}
      {free.length > 0 && (
        <li className="ov add">
          <span />
          <span className="q">Another limit for one GPU</span>
          <span className="ctl">
            <Select
              label="Add an exception for a GPU"
              value=""
              options={[{ value: '', text: 'choose' }, ...free.map((d) => ({ value: d.uuid, text: `${d.index}: ${formatDeviceName(d.name)}` }))]}
              onChange={(uuid) => {
                const device = free.find((d) => d.uuid === uuid);
                if (device) set(uuid, { celsius: (device.tempSlowdownCelsius ?? 90) - 5 });
              }}
            />
          </span>
        </li>
      )}
    </>
  );
}
