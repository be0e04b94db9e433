CREATE TABLE "audit"."evidence_text" (
	"sha256" text NOT NULL,
	"commitment" text NOT NULL,
	"salt" "bytea" NOT NULL,
	"value" text NOT NULL,
	CONSTRAINT "evidence_text_sha256_commitment_pk" PRIMARY KEY("sha256","commitment")
);
--> statement-breakpoint
ALTER TABLE "audit"."evidence_text" ADD CONSTRAINT "evidence_text_sha256_evidence_sha256_fk" FOREIGN KEY ("sha256") REFERENCES "audit"."evidence"("sha256") ON DELETE no action ON UPDATE no action;