/**
 * The composition root: the one file that knows all areas. It makes the services, ties them together and hands
 * them to the router; no area imports another.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readdir, stat } from 'node:fs/promises';
import type { AlertsState } from '../contract/alerts.ts';
import type { GpuStreamItem, Inventory, ProcessReading } from '../contract/gpu.ts';
import type { Job } from '../contract/jobs.ts';
import { problemError } from '../contract/problem-catalogue.ts';
import type { SettingsStatus } from '../contract/settings.ts';
import type { EngineInfo, EngineStatus, ReadinessLine } from '../contract/system.ts';
import { createGauge } from './engine/gauge.ts';
import { takeLock } from './engine/engine-lock.ts';
import { createLife } from './engine/life.ts';
import { createRouter } from './engine/router.ts';
import type { EngineServices } from './engine/services.ts';
import type { DataFolder } from './system/data-folder.ts';
import { VERSION } from './system/version.ts';
import { listenLocally } from './web/local-listener.ts';
import { createRpcHandler, serveConnection } from './web/rpc-connection.ts';
