/** Writes as many messages of a size into a stream, as fast as it takes them, and ends it. */
export function writeAll(call, size, count) {
  const message = Buffer.alloc(size, 7);
  let sent = 0;
  const go = () => {
    while (sent < count) {
      sent++;
      if (!call.write(message)) {
        call.once("drain", go);
        return;
      }
    }
    call.end();
  };
  go();
}
