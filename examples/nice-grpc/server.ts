/** The server: everybody writes and reads their own notes. */
import { createServer, type Server } from "nice-grpc";
import { currentCaller, type GuardOptions, guard } from "tessera-sso/server";
import { type Note, NoteServiceDefinition, type NoteServiceImplementation } from "./gen/notes.js";

/** A server that does not listen yet. */
export function makeServer(keytab: GuardOptions["keytab"]): Server {
  const server = createServer({ interceptors: [guard({ keytab, currentCaller: true })] });
  server.add(NoteServiceDefinition, handlers());
  return server;
}

function handlers(): NoteServiceImplementation {
  const notes: Note[] = [];
  // nice-grpc hands on metadata of its own, which has no caller: whoever needs to know asks for it.
  const write = (text: string): Note => {
    const note = { text, owner: currentCaller().principal };
    notes.push(note);
    return note;
  };
  return {
    async add({ text }) {
      return write(text);
    },
    async *list() {
      const { principal } = currentCaller();
      yield* notes.filter(({ owner }) => owner === principal);
    },
    async addAll(requests) {
      let added = 0;
      for await (const { text } of requests) {
        write(text);
        added++;
      }
      return { added };
    },
    async *follow(requests) {
      for await (const { text } of requests) yield write(text);
    },
  };
}
