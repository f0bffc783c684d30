/** Where a vendor's jobs are asked for. */
export interface VideoPlace {
  /** Behind the channel's base URL. */
  readonly path: string;
  /** As `UpstreamMessage.base`. */
  readonly base?: readonly [part: string, instead: string];
}
