CREATE TABLE "tagout"."anchor_place" (
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"since_ms" bigint NOT NULL,
	CONSTRAINT "anchor_place_kind_name_pk" PRIMARY KEY("kind","name")
);
