CREATE TABLE "tagout"."delivery_log" (
	"id" bigint PRIMARY KEY NOT NULL,
	"guid" text NOT NULL,
	"installation_id" bigint,
	"repo_id" bigint,
	"event" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"status_code" integer NOT NULL,
	"stored" boolean NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tagout"."blob" ADD COLUMN "kept_at_ms" bigint;--> statement-breakpoint
CREATE INDEX "delivery_log_at" ON "tagout"."delivery_log" USING btree ("at_ms");