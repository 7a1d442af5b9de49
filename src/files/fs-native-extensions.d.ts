/** The part of fs-native-extensions that is used here; the package comes without types. */
declare module "fs-native-extensions" {
  /** Locks the whole file, exclusively; false where somebody else holds a lock. Throws the system's error. */
  export function tryLock(fd: number): boolean;
  /** Gives the lock back. Throws the system's error. */
  export function unlock(fd: number): void;
}
