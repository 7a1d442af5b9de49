/** The part of fs-native-extensions that is used here; the package has no types of its own. */
declare module "fs-native-extensions" {
  /**
   * Locks a range exclusively, the whole file by default; false if somebody else holds a lock in it. Throws
   * the system's error.
   */
  export function tryLock(fd: number, offset?: number, length?: number): boolean;
  /** Releases the lock. Throws the system's error. */
  export function unlock(fd: number, offset?: number, length?: number): void;
}
