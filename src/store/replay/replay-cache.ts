/**
 * The seam of the replay cache (RFC 4120 §3.2.3): one atomic step, so that of any number of copies only one
 * wins.
 */

/** Remembers authenticators that were accepted. */
export interface ReplayCache {
  /**
   * Remembers `tag` until `expiry`, unless it is already remembered.
   * @param tag from the authenticator's ciphertext and the service (`replayTag` of the protocol).
   * @param ctime the authenticator's own time, in ms since the epoch: refused if the cache cannot know
   *   whether it was seen before (after a restart without memory, after a clock step).
   * @param expiry the last ms since the epoch at which the authenticator is still accepted: kept while now <=
   *   expiry.
   * @param now the current time, in ms since the epoch.
   * @throws KrbError KRB_AP_ERR_REPEAT when the tag is remembered; KDC_ERR_SVC_UNAVAILABLE when full or
   *   unreachable (it refuses new ones rather than forget); KRB_AP_ERR_SKEW when it cannot know.
   */
  store(tag: Uint8Array, ctime: number, expiry: number, now: number): Promise<void>;
  /** Closes the cache. */
  close(): Promise<void>;
}
