/** What an operation knows of who asks. */
export interface FaceContext {
  /** `local`: over the engine's own socket, by the owner of the data folder. `web`: over TCP with the token. */
  readonly face: 'local' | 'web';
}
