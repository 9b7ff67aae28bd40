/** One piece of a scripted answer. */
export type ScriptPiece =
  | { readonly text: string }
  | { readonly thinking: string }
  | { readonly tool: { readonly id?: string; readonly name?: string; readonly arguments: string; readonly index?: number } }
  /** Written to the socket as it is. */
  | { readonly raw: string }
  /** Goes on when the promise does. */
  | { readonly until: Promise<unknown> };
