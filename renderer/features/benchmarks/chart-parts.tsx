import type { ReactElement } from 'react';

export interface ChartLabel {
  readonly text: string;
  /** Which end of the text lies at the place that the chart gives. */
  readonly anchor: 'start' | 'middle' | 'end';
  /** Below that place; else above it. */
  readonly hangs?: boolean;
  /** CSS px. */
  readonly size: number;
  readonly colour: string;
}

interface Placed {
  readonly x?: number | string | undefined;
  readonly y?: number | string | undefined;
  readonly dx?: number | string | undefined;
}

/** As a chart's `label`: written as it is. The library's own would be broken into lines, for which it lays out the whole page. */
export const writeLabel = ({ text, anchor, hangs = false, size, colour }: ChartLabel) => function Label({ x = 0, y = 0, dx = 0 }: Placed): ReactElement {
  return <text x={Number(x) + Number(dx)} y={Number(y)} dy={hangs ? '0.71em' : undefined} textAnchor={anchor} fill={colour} fontSize={size}>{text}</text>;
};

interface GridAxis {
  readonly scale?: { map(value: unknown): number | undefined } | undefined;
}

/** For a chart's grid: a line at each tick that its axes are given. The library's own way measures every number of an axis in the document, and leaves lines out. */
export const gridAt = ({ x, y }: { readonly x?: readonly number[]; readonly y?: readonly number[] }) => ({
  vertical: x !== undefined,
  verticalCoordinatesGenerator: ({ xAxis }: { readonly xAxis?: GridAxis | undefined }): number[] => placeTicks(x, xAxis),
  horizontal: y !== undefined,
  horizontalCoordinatesGenerator: ({ yAxis }: { readonly yAxis?: GridAxis | undefined }): number[] => placeTicks(y, yAxis),
});

const placeTicks = (ticks: readonly number[] = [], axis: GridAxis | undefined): number[] => ticks.flatMap((tick) => axis?.scale?.map(tick) ?? []);
