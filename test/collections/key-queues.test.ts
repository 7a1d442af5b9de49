import { expect, test } from "vitest";
import { KeyQueues } from "../../src/collections/key-queues.js";

/** Work that begins when its turn comes and ends when it is told to. */
function steps() {
  const log: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    log,
    work: (name: string) => () => {
      log.push(`${name} begins`);
      return new Promise<string>((resolve, reject) => {
        ends.set(name, (error) => {
          log.push(`${name} ends`);
          if (error === undefined) resolve(name);
          else reject(error);
        });
      });
    },
    end: (name: string, error?: Error) => ends.get(name)?.(error),
  };
}

/** All that can happen without anything being told to end has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("work on one key runs one after the other, in the order it came", async () => {
  const queues = new KeyQueues<string>();
  const { log, work, end } = steps();
  const [a, b, c] = ["a", "b", "c"].map((name) => queues.run("key", work(name)));
  await settled();
  expect(log).toEqual(["a begins"]);
  end("a");
  expect(await a).toBe("a");
  await settled();
  expect(log).toEqual(["a begins", "a ends", "b begins"]);
  end("b");
  await b;
  await settled();
  end("c");
  expect(await c).toBe("c");
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("work on another key does not wait", async () => {
  const queues = new KeyQueues<string>();
  const { log, work, end } = steps();
  const first = queues.run("one", work("a"));
  const second = queues.run("other", work("b"));
  await settled();
  expect(log).toEqual(["a begins", "b begins"]);
  end("b");
  expect(await second).toBe("b");
  end("a");
  await first;
});

test("work that fails tells its caller alone; the next begins all the same", async () => {
  const queues = new KeyQueues<string>();
  const failing = queues.run("key", () => {
    throw new RangeError("no");
  });
  const next = queues.run("key", () => "yes");
  await expect(failing).rejects.toThrow(new RangeError("no"));
  expect(await next).toBe("yes");
});

test("a key is forgotten when its last work has ended, and not before", async () => {
  const queues = new KeyQueues<string>();
  const { work, end } = steps();
  const runs = [queues.run("key", work("a")), queues.run("key", work("b")), queues.run("other", work("c"))];
  await settled();
  expect(queues.size).toBe(2);
  end("a");
  end("c");
  await settled();
  expect(queues.size).toBe(1);
  end("b", new Error("no"));
  await Promise.allSettled(runs);
  await settled();
  expect(queues.size).toBe(0);
});

test("is idle when all that came has ended, well or badly", async () => {
  const queues = new KeyQueues<string>();
  await queues.idle();
  const { work, end } = steps();
  const runs = [queues.run("one", work("a")), queues.run("other", work("b"))];
  let idle = false;
  const waiting = queues.idle().then(() => {
    idle = true;
  });
  await settled();
  end("a", new Error("no"));
  await settled();
  expect(idle).toBe(false);
  end("b");
  await waiting;
  expect((await Promise.allSettled(runs)).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});
