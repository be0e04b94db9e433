CREATE TABLE "tagout"."bypass" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"environment" text NOT NULL,
	"deployment_id" bigint NOT NULL,
	"run_id" bigint,
	"sha" text NOT NULL,
	"how" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "bypass_installation_id_repo_id_environment_deployment_id_pk" PRIMARY KEY("installation_id","repo_id","environment","deployment_id")
);
--> statement-breakpoint
CREATE TABLE "tagout"."deployer_token" (
	"sha256" text PRIMARY KEY NOT NULL,
	"repository" text NOT NULL,
	"environment" text NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tagout"."floor_seen" (
	"installation_id" bigint PRIMARY KEY NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tagout"."requested" (
	"installation_id" bigint NOT NULL,
	"repo_id" bigint NOT NULL,
	"environment" text NOT NULL,
	"from_sha" text NOT NULL,
	"sha" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "requested_installation_id_repo_id_environment_from_sha_sha_pk" PRIMARY KEY("installation_id","repo_id","environment","from_sha","sha")
);
