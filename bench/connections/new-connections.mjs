// Calls that each come over a connection of their own: it opens, waits for the server's settings as clients
// do, makes its call, and closes.
import { RawConnection } from "../guard/raw-calls.mjs";

/**
 * Makes a call of each request, so many at a time.
 * @param {string} address
 * @param {string} path the method's.
 * @param {readonly Buffer[]} requests
 * @param {number} atOnce
 * @returns how many were refused or broken off, and the bytes of the largest answer.
 */
export async function callAnew(address, path, requests, atOnce) {
  const waiting = [...requests];
  let refused = 0;
  let answerBytes = 0;
  const callOne = async (request) => {
    let bytes = 0;
    const connection = await RawConnection.open(address, path);
    try {
      await connection.settled();
      await connection.send([connection.makeCall(request, {})], 1, (_, piece) => {
        bytes += piece.length;
      });
      answerBytes = Math.max(answerBytes, bytes);
    } catch {
      refused++;
    } finally {
      connection.close();
    }
  };
  const worker = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await callOne(next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { refused, answerBytes };
}
