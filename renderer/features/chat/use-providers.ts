import { useEffect, useState } from 'react';
import type { EngineSettingNote, Provider } from '../../../contract/inference.ts';
import { useApp } from '../../app/context.tsx';
import { consumeStream } from '../../connection/consume-stream.ts';

const none: readonly never[] = [];

/** Other servers that can answer, while the calling component is there. */
export function useProviders(): readonly Provider[] {
  const { client, connection } = useApp();
  const [providers, setProviders] = useState<readonly Provider[]>(none);
  useEffect(() => consumeStream(connection, (signal) => client.inference.watchProviders({}, { signal }), setProviders, () => undefined), [client, connection]);
  return providers;
}

/** What each engine setting does; empty until the engine has said it. */
export function useSettingNotes(): readonly EngineSettingNote[] {
  const { client } = useApp();
  const [notes, setNotes] = useState<readonly EngineSettingNote[]>(none);
  useEffect(() => {
    let here = true;
    client.inference.settingNotes({}).then((read) => { if (here) setNotes(read); }, () => undefined);
    return () => {
      here = false;
    };
  }, [client]);
  return notes;
}
