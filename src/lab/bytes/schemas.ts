/** The messages of this project by their full names. */
import { createRegistry, type DescMessage } from "@bufbuild/protobuf";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import { file_google_rpc_status } from "../../gen/google/rpc/status_pb.js";
import { file_kerberos_storage_v1_dump } from "../../gen/kerberos/storage/v1/dump_pb.js";
import { file_kerberos_storage_v1_note_record } from "../../gen/kerberos/storage/v1/note_record_pb.js";
import { file_kerberos_storage_v1_principal_record } from "../../gen/kerberos/storage/v1/principal_record_pb.js";
import { file_kerberos_v1_application_service } from "../../gen/kerberos/v1/application_service_pb.js";
import { file_kerberos_v1_authentication_service } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { file_kerberos_v1_encryption } from "../../gen/kerberos/v1/encryption_pb.js";
import { file_kerberos_v1_extension } from "../../gen/kerberos/v1/extension_pb.js";
import { file_kerberos_v1_guard } from "../../gen/kerberos/v1/guard_pb.js";
import { file_kerberos_v1_kdc } from "../../gen/kerberos/v1/kdc_pb.js";
import { file_kerberos_v1_operations } from "../../gen/kerberos/v1/operations_pb.js";
import { file_kerberos_v1_sealed } from "../../gen/kerberos/v1/sealed_pb.js";
import { file_kerberos_v1_session } from "../../gen/kerberos/v1/session_pb.js";
import { file_kerberos_v1_ticket_granting_service } from "../../gen/kerberos/v1/ticket_granting_service_pb.js";

const ALL = createRegistry(
  file_kerberos_v1_authentication_service,
  file_kerberos_v1_ticket_granting_service,
  file_kerberos_v1_application_service,
  file_kerberos_v1_encryption,
  file_kerberos_v1_extension,
  file_kerberos_v1_guard,
  file_kerberos_v1_kdc,
  file_kerberos_v1_sealed,
  file_kerberos_v1_session,
  file_kerberos_v1_operations,
  file_kerberos_storage_v1_principal_record,
  file_kerberos_storage_v1_note_record,
  file_kerberos_storage_v1_dump,
  file_google_rpc_status,
  file_google_rpc_error_details,
);

/** The message of that full name: `kerberos.v1.Ticket`; undefined if there is none. */
export function schemaNamed(name: string): DescMessage | undefined {
  return ALL.getMessage(name);
}
