CREATE INDEX "anchor_newest" ON "audit"."anchor" USING btree ("log_id","kind","tree_size");--> statement-breakpoint
CREATE INDEX "anchor_last" ON "audit"."anchor" USING btree ("kind","at_ms");