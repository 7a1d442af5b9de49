/** The server: everybody writes and reads their own notes. */
import type * as grpc from "@grpc/grpc-js";
import { callerOf, type GuardOptions, guardedServer } from "tessera-sso/server";
import { type Note, type NoteServiceServer, NoteServiceService } from "./gen/notes.js";

/** A server that is not bound yet. */
export function makeServer(keytab: GuardOptions["keytab"]): grpc.Server {
  const server = guardedServer({ keytab });
  server.addService(NoteServiceService, handlers());
  return server;
}

function handlers(): NoteServiceServer {
  const notes: Note[] = [];
  const write = (owner: string, text: string): Note => {
    const note = { text, owner };
    notes.push(note);
    return note;
  };
  return {
    add(call, reply) {
      reply(null, write(callerOf(call).principal, call.request.text));
    },
    list(call) {
      const { principal } = callerOf(call);
      for (const note of notes) if (note.owner === principal) call.write(note);
      call.end();
    },
    addAll(call, reply) {
      const { principal } = callerOf(call);
      let added = 0;
      call.on("data", ({ text }: Note) => {
        write(principal, text);
        added++;
      });
      call.on("end", () => reply(null, { added }));
    },
    follow(call) {
      const { principal } = callerOf(call);
      call.on("data", ({ text }: Note) => call.write(write(principal, text)));
      call.on("end", () => call.end());
    },
  };
}
