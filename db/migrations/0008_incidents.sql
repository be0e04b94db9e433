CREATE TABLE "tagout"."incident" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"key" text NOT NULL,
	"code" text NOT NULL,
	"environment" text,
	"deployment_id" bigint,
	"run_id" bigint,
	"sha" text,
	"detail" text NOT NULL,
	"since_ms" bigint NOT NULL,
	"closed_at_ms" bigint,
	CONSTRAINT "incident_installation_id_repo_id_key_pk" PRIMARY KEY("installation_id","repo_id","key")
);
--> statement-breakpoint
CREATE TABLE "tagout"."posture" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"item" text NOT NULL,
	"about" text NOT NULL,
	"environment" text,
	"state" text NOT NULL,
	"since_ms" bigint NOT NULL,
	CONSTRAINT "posture_installation_id_repo_id_item_pk" PRIMARY KEY("installation_id","repo_id","item")
);
--> statement-breakpoint
CREATE TABLE "tagout"."settled" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"key" text NOT NULL,
	"facts" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "settled_installation_id_repo_id_key_pk" PRIMARY KEY("installation_id","repo_id","key")
);
