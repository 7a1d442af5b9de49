/** The messages and methods of notes.proto, which Nest loads at run time. */
import type { Observable } from "rxjs";

/** Where the proto is, seen from the compiled files. */
export const PROTO = new URL("../notes.proto", import.meta.url).pathname;

/** A note. */
export interface Note {
  readonly text: string;
  readonly owner?: string;
}

/** Asks for the caller's notes. */
export type ListRequest = Readonly<Record<string, never>>;

/** How many were written down. */
export interface AddAllResponse {
  readonly added: number;
}

/** The service, as Nest's client has it. */
export interface NoteService {
  add(note: Note): Observable<Note>;
  list(request: ListRequest): Observable<Note>;
  addAll(notes: Observable<Note>): Observable<AddAllResponse>;
  follow(notes: Observable<Note>): Observable<Note>;
}
