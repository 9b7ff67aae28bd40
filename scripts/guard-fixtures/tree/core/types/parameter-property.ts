// guard: tsc/TS1294
export class Box {
  constructor(readonly size: number) {}
}
