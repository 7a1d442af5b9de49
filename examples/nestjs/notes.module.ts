/** The application: everybody writes and reads their own notes. */
import type { Metadata, ServerUnaryCall } from "@grpc/grpc-js";
import { Controller, Injectable, Module } from "@nestjs/common";
import { GrpcMethod, GrpcStreamMethod } from "@nestjs/microservices";
import { from, map, type Observable, reduce } from "rxjs";
import { callerOf, currentCaller } from "tessera-sso/server";
import type { AddAllResponse, ListRequest, Note } from "./notes.js";

/** The notes. A provider is not handed the call, and asks who is calling. */
@Injectable()
export class NoteStore {
  readonly #notes: Note[] = [];

  write(text: string): Note {
    const note = { text, owner: currentCaller().principal };
    this.#notes.push(note);
    return note;
  }

  of(owner: string): Note[] {
    return this.#notes.filter((note) => note.owner === owner);
  }
}

/** The service's methods. A controller is handed grpc-js's call. */
@Controller()
export class NoteController {
  constructor(private readonly notes: NoteStore) {}

  @GrpcMethod("NoteService", "Add")
  add({ text }: Note): Note {
    return this.notes.write(text);
  }

  @GrpcMethod("NoteService", "List")
  list(_: ListRequest, _metadata: Metadata, call: ServerUnaryCall<ListRequest, Note>): Observable<Note> {
    return from(this.notes.of(callerOf(call).principal));
  }

  @GrpcStreamMethod("NoteService", "AddAll")
  addAll(requests: Observable<Note>): Observable<AddAllResponse> {
    return requests.pipe(
      map(({ text }) => this.notes.write(text)),
      reduce((added) => added + 1, 0),
      map((added) => ({ added })),
    );
  }

  @GrpcStreamMethod("NoteService", "Follow")
  follow(requests: Observable<Note>): Observable<Note> {
    return requests.pipe(map(({ text }) => this.notes.write(text)));
  }
}

/** The application's module. */
@Module({ controllers: [NoteController], providers: [NoteStore] })
export class NoteModule {}
