CREATE SCHEMA "audit";
--> statement-breakpoint
-- Written by hand: the generated columns below need it. convert_to is only STABLE, so that a
-- generated column cannot call it directly.
CREATE FUNCTION audit.utf8(t text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN convert_to(t, 'UTF8');
--> statement-breakpoint
CREATE SCHEMA "tagout";
--> statement-breakpoint
CREATE TABLE "audit"."anchor" (
	"log_id" bigint NOT NULL,
	"tree_size" bigint NOT NULL,
	"kind" text NOT NULL,
	"locator" text NOT NULL,
	"receipt" text,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tagout"."blob" (
	"sha" text PRIMARY KEY NOT NULL,
	"content" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."checkpoint" (
	"log_id" bigint NOT NULL,
	"tree_size" bigint NOT NULL,
	"root_hash" "bytea" NOT NULL,
	"frontier" "bytea"[] NOT NULL,
	"note" text NOT NULL,
	"sealed_ms" bigint NOT NULL,
	CONSTRAINT "checkpoint_log_id_tree_size_pk" PRIMARY KEY("log_id","tree_size")
);
--> statement-breakpoint
CREATE TABLE "tagout"."delivery" (
	"id" text PRIMARY KEY NOT NULL,
	"event" text NOT NULL,
	"action" text,
	"installation_id" bigint,
	"payload_sha256" text,
	"received_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."detail" (
	"event_row" bigint NOT NULL,
	"path" text NOT NULL,
	"salt" "bytea" NOT NULL,
	"value" text NOT NULL,
	CONSTRAINT "detail_event_row_path_pk" PRIMARY KEY("event_row","path")
);
--> statement-breakpoint
CREATE TABLE "audit"."event" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit"."event_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"body" text NOT NULL,
	"sig" "bytea",
	"log_id" bigint GENERATED ALWAYS AS ((body::jsonb->>'installationId')::bigint) STORED NOT NULL,
	"doc" jsonb GENERATED ALWAYS AS (body::jsonb) STORED NOT NULL,
	"event_id" uuid GENERATED ALWAYS AS ((body::jsonb->>'eventId')::uuid) STORED NOT NULL,
	"dedupe_key" text GENERATED ALWAYS AS (body::jsonb->>'dedupeKey') STORED,
	"kind" text GENERATED ALWAYS AS (body::jsonb->>'kind') STORED NOT NULL,
	"at_ms" bigint GENERATED ALWAYS AS ((body::jsonb->>'recordedAtMs')::bigint) STORED NOT NULL,
	"leaf_hash" "bytea" GENERATED ALWAYS AS (sha256('\x00'::bytea || audit.utf8(body))) STORED NOT NULL,
	"db_clock" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "event_event_id_key" UNIQUE("event_id"),
	CONSTRAINT "event_dedupe_key_key" UNIQUE("dedupe_key"),
	CONSTRAINT "event_body_size" CHECK (octet_length("audit"."event"."body") between 2 and 60000)
);
--> statement-breakpoint
CREATE TABLE "audit"."evidence" (
	"sha256" text PRIMARY KEY GENERATED ALWAYS AS (encode(sha256(audit.utf8(body)), 'hex')) STORED NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."leaf" (
	"log_id" bigint NOT NULL,
	"leaf_index" bigint NOT NULL,
	"event_row" bigint NOT NULL,
	"leaf_hash" "bytea" NOT NULL,
	CONSTRAINT "leaf_log_id_leaf_index_pk" PRIMARY KEY("log_id","leaf_index"),
	CONSTRAINT "leaf_event_row_key" UNIQUE("event_row"),
	CONSTRAINT "leaf_index_from_zero" CHECK ("audit"."leaf"."leaf_index" >= 0),
	CONSTRAINT "leaf_hash_size" CHECK (octet_length("audit"."leaf"."leaf_hash") = 32)
);
--> statement-breakpoint
CREATE TABLE "tagout"."outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tagout"."outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"installation_id" bigint NOT NULL,
	"subject_key" text NOT NULL,
	"slot" text NOT NULL,
	"effect_key" text NOT NULL,
	"kind" text NOT NULL,
	"effect" text NOT NULL,
	"subject" text NOT NULL,
	"event_id" uuid NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"replaced" integer DEFAULT 0 NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at_ms" bigint NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"done_at_ms" bigint,
	"http_status" integer,
	"detail" text,
	"github_id" bigint,
	CONSTRAINT "outbox_status" CHECK ("tagout"."outbox"."status" in ('pending', 'sending', 'done', 'dead', 'superseded', 'expired'))
);
--> statement-breakpoint
CREATE TABLE "tagout"."posting" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"pull" integer NOT NULL,
	"head_sha" text NOT NULL,
	"base_ref" text NOT NULL,
	"shown" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "posting_installation_id_repo_id_pull_head_sha_base_ref_shown_pk" PRIMARY KEY("installation_id","repo_id","pull","head_sha","base_ref","shown")
);
--> statement-breakpoint
CREATE TABLE "tagout"."release" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"environment" text NOT NULL,
	"run_id" bigint NOT NULL,
	"run_attempt" integer NOT NULL,
	"deployment_id" bigint,
	"sha" text NOT NULL,
	"origin" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "release_installation_id_repo_id_environment_run_id_run_attempt_pk" PRIMARY KEY("installation_id","repo_id","environment","run_id","run_attempt"),
	CONSTRAINT "release_origin" CHECK ("tagout"."release"."origin" in ('released', 'adopted'))
);
--> statement-breakpoint
CREATE TABLE "tagout"."replica" (
	"id" text PRIMARY KEY NOT NULL,
	"beat_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tagout"."subject" (
	"key" text PRIMARY KEY NOT NULL,
	"installation_id" bigint NOT NULL,
	"read_at_ms" bigint NOT NULL,
	"fact" text NOT NULL,
	"verdict" text NOT NULL,
	"event_id" uuid NOT NULL,
	"decided_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tagout"."suspension" (
	"installation_id" bigint NOT NULL,
	"agent" text NOT NULL,
	"reason" text NOT NULL,
	"since_ms" bigint NOT NULL,
	CONSTRAINT "suspension_installation_id_agent_pk" PRIMARY KEY("installation_id","agent")
);
--> statement-breakpoint
CREATE TABLE "tagout"."written" (
	"slot" text PRIMARY KEY NOT NULL,
	"effect_key" text NOT NULL,
	"github_id" bigint,
	"times" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audit"."anchor" ADD CONSTRAINT "anchor_log_id_tree_size_checkpoint_log_id_tree_size_fk" FOREIGN KEY ("log_id","tree_size") REFERENCES "audit"."checkpoint"("log_id","tree_size") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit"."detail" ADD CONSTRAINT "detail_event_row_event_id_fk" FOREIGN KEY ("event_row") REFERENCES "audit"."event"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit"."leaf" ADD CONSTRAINT "leaf_event_row_event_id_fk" FOREIGN KEY ("event_row") REFERENCES "audit"."event"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "event_deployment" ON "audit"."event" USING btree (("doc"->'subject'->>'key'),"id") WHERE "audit"."event"."doc"->'subject'->>'kind' = 'deployment';--> statement-breakpoint
CREATE INDEX "outbox_due" ON "tagout"."outbox" USING btree ("subject_key","id") WHERE status in ('pending', 'sending');--> statement-breakpoint
CREATE INDEX "outbox_slot" ON "tagout"."outbox" USING btree ("slot") WHERE status in ('pending', 'sending');--> statement-breakpoint
CREATE INDEX "outbox_created" ON "tagout"."outbox" USING btree ("created_at_ms");