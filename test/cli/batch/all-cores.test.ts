import { expect, it } from "vitest";
import { withAllCores } from "../../../src/cli/batch/all-cores.js";

/** The variables that a command is run again with; none: it is not. */
async function variables(cores: number, env = {}) {
  const given: unknown[] = [];
  const again = async (variables: unknown) => {
    given.push(variables);
    return 7;
  };
  return { code: await withAllCores({ env, again }, cores), given };
}

it("runs the command again with a thread for each core, where libuv has fewer", async () => {
  expect(await variables(16)).toEqual({ code: 7, given: [{ UV_THREADPOOL_SIZE: "16" }] });
});

it("stays in this process where it has enough threads, or somebody chose how many", async () => {
  expect(await variables(4)).toEqual({ code: undefined, given: [] });
  expect(await variables(16, { UV_THREADPOOL_SIZE: "2" })).toEqual({ code: undefined, given: [] });
  expect(await withAllCores({ env: {} }, 16)).toBeUndefined();
});
