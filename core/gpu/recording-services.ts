import type { RecordingInfo } from '../../contract/system.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { GpuService } from './gpu-service.ts';
import { listRecordings, record } from './recordings.ts';

export interface RecordingServices {
  start(input: { seconds: number; note: string | null }): Job;
  list(): Promise<RecordingInfo[]>;
}

/** Recordings of what the source says, each a job. @param app the version that is written down in them */
export function makeRecordingServices(gpus: GpuService, jobs: Pick<Jobs, 'start'>, folder: string, app: string): RecordingServices {
  const source = { list: () => gpus.list(), onSourceEvent: (listener: Parameters<GpuService['onSourceEvent']>[0]) => gpus.onSourceEvent(listener), watch: (hz: number) => gpus.watch(hz), watchProcesses: () => gpus.processes.watch(() => undefined) };
  return {
    start: (input) => jobs.start({ kind: 'record', title: `Recording, ${String(input.seconds)} s` }, (job) => record(source, folder, app, input, job)),
    list: () => listRecordings(folder),
  };
}
