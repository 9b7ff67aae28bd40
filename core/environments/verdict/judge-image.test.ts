import { beforeAll, describe, expect, it } from 'vitest';
import { isFinding, verdictCell, type DriverFacts } from '../../../contract/verdict.ts';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { judgeImage } from './judge-image.ts';
import { makeDriver, makeTarget, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });
function judge(image: string, capability: string | null = '12.0', driver: DriverFacts = makeDriver('580.95')): string {
  const { cells, notes } = judgeImage(image, [makeTarget(capability)], driver, tables), cell = verdictCell.parse(cells[0]);
  expect(JSON.stringify([cells, notes])).not.toMatch(/undefined|NaN|\[object/);
  expect(cell.problem !== null).toBe(isFinding(cell.verdict));
  expect(cell.evidence.length).toBeGreaterThan(0);
  if (isFinding(cell.verdict)) expect(cell.evidence.some((e) => !e.supports), cell.text).toBe(true);
  return cell.problem === null ? cell.verdict : `${cell.verdict} ${cell.problem.code}`;
}

describe('images', () => {
  it.each<[string, string, string | null, string]>([
    ['nvcr.io/nvidia/pytorch:25.04-py3', '12.0', '580.95', 'native'], ['nvcr.io/nvidia/pytorch:25.04-py3', '12.0', '575.64', 'native'], ['nvcr.io/nvidia/pytorch:25.04-py3', '12.0', '565.90', 'driver_too_old torch.gpu_driver_too_old'], ['nvcr.io/nvidia/pytorch:25.04-py3', '9.0', '520.61.05', 'driver_too_old torch.driver_too_old'],
    ['nvcr.io/nvidia/pytorch:24.12-py3', '12.0', '580.95', 'incompatible torch.arch_missing'], ['nvcr.io/nvidia/pytorch:25.12-py3', '12.0', '570.26', 'driver_too_old torch.driver_too_old'], ['nvcr.io/nvidia/pytorch:25.12-py3', '6.1', '580.95', 'incompatible torch.arch_missing'], ['nvcr.io/nvidia/pytorch:25.04-py3', '6.1', '580.95', 'unknown torch.unknown'],
    ['nvcr.io/nvidia/pytorch:25.02-py3', '12.0', '570.26', 'native'], ['nvcr.io/nvidia/pytorch:25.08-py3', '8.9', '525.60.13', 'native'], ['nvcr.io/nvidia/pytorch:25.04-py3-igpu', '8.7', '580.95', 'unknown torch.unknown'], ['nvcr.io/nvidia/pytorch:25.04-py3', '11.0', '580.95', 'unknown torch.unknown'], ['nvcr.io/nvidia/pytorch:25.04-py3', '13.0', '580.95', 'unknown torch.unknown'],
    ['pytorch/pytorch:2.7.0-cuda12.8-cudnn9-runtime', '12.0', '570.26', 'native'], ['pytorch/pytorch:2.7.0-cuda12.6-cudnn9-devel', '12.0', '580.95', 'incompatible torch.arch_missing'], ['docker.io/pytorch/pytorch:2.4.1-cuda12.1-cudnn9-runtime', '8.6', '525.60.13', 'native'], ['pytorch/pytorch:2.7.0-cuda12.8-cudnn9-runtime', '13.0', '580.95', 'jit'], ['pytorch/pytorch:2.11.0-cuda13.0-cudnn9-runtime', '7.0', '580.95', 'incompatible torch.arch_missing'], ['pytorch/pytorch:2.11.0-cuda13.0-cudnn9-runtime', '8.6', '550.54.14', 'driver_too_old torch.driver_too_old'],
    ['pytorch/pytorch:2.4.1-cuda12.1-cudnn9-runtime', '6.1', '590.1', 'gpu_unsupported torch.gpu_driver_too_new'], ['pytorch/pytorch:2.5.0-cuda13.9-cudnn9-runtime', '8.6', '580.95', 'unknown torch.unknown'], ['pytorch/pytorch:2.8.0-runtime', '8.6', '580.95', 'cpu_only torch.cpu_build'],
    ['vllm/vllm-openai:v0.9.2', '12.0', '580.95', 'native'], ['vllm/vllm-openai:v0.8.5', '12.0', '580.95', 'unknown torch.unknown'], ['vllm/vllm-openai:v0.10.0', '12.0', '580.95', 'unknown torch.unknown'], ['vllm/vllm-openai:v0.12.0-cu130', '12.0', '570.26', 'driver_too_old torch.driver_too_old'], ['vllm/vllm-openai:v0.9.2', '8.6', '580.95', 'unknown torch.unknown'],
    ['pytorch/pytorch:latest', '8.6', '580.95', 'unknown torch.unknown'], ['nvcr.io/nvidia/pytorch', '8.6', '580.95', 'unknown torch.unknown'], ['localhost:5000/mine', '8.6', null, 'unknown torch.unknown'], ['registry:5000/team/torch:v1', '8.6', null, 'unknown torch.unknown'], ['', '8.6', null, 'unknown torch.unknown'], ['x'.repeat(5000), '8.6', null, 'unknown torch.unknown'],
    ['nvcr.io/nvidia/pytorch:25.04-py3', '12.0', null, 'native'],
  ])('%s on %s with %s: %s', (image, capability, version, word) => expect(judge(image, capability, makeDriver(version))).toBe(word));
  it('the state of the driver comes first', () => {
    const image = 'nvcr.io/nvidia/pytorch:25.04-py3', here = makeTarget('12.0', 'RTX 5090', 0);
    expect(judge(image, '12.0', makeDriver('580.95', { mismatch: true }))).toBe('driver_mismatch torch.driver_mismatch');
    expect(judgeImage(image, [here], makeDriver(null), tables).cells[0]?.problem?.code).toBe('torch.no_driver');
    expect(judge(image, null)).toBe('unknown torch.unknown');
  });
  it('a digest behind the tag does not hide it, and notes say what a container costs', () => {
    expect(judge(`nvcr.io/nvidia/pytorch:25.04-py3@sha256:${'a'.repeat(64)}`)).toBe('native');
    const { notes, cells } = judgeImage('nvcr.io/nvidia/pytorch:25.04-py3', [makeTarget('6.1', 'GTX 1080'), makeTarget('12.0', 'RTX 5090')], makeDriver('580.95', { platform: 'windows_x86_64' }), tables);
    expect(cells).toHaveLength(2);
    expect(notes.join(' ')).toMatch(/pip install torch.*WSL 2.*together/);
  });
});
