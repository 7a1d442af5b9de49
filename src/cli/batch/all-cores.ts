/**
 * Threads for passwords: libuv reads the size of its pool once, before the first line of a program runs, so
 * that work for more cores than its four threads goes to another process.
 */
import { availableParallelism } from "node:os";
import type { Surroundings } from "../frame/surroundings.js";

/** What libuv's pool has unless the environment says otherwise. */
const DEFAULT_THREADS = 4;

/**
 * Runs the same command line again with a thread for each core, where there are more cores than threads.
 * @returns its exit code; undefined where this process is as good.
 */
export async function withAllCores(
  { env, again }: Pick<Surroundings, "env" | "again">,
  cores = availableParallelism(),
): Promise<number | undefined> {
  if (again === undefined || env.UV_THREADPOOL_SIZE || cores <= DEFAULT_THREADS) return undefined;
  return again({ UV_THREADPOOL_SIZE: String(Math.min(cores, 1024)) });
}
