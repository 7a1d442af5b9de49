/** The part of fs-native-extensions that is used here; the package has no types of its own. */
declare module "fs-native-extensions" {
  /** Locks the whole file exclusively; false if somebody else holds a lock. Throws the system's error. */
  export function tryLock(fd: number): boolean;
  /** Releases the lock. Throws the system's error. */
  export function unlock(fd: number): void;
}
