/**
 * Commands that destroy infrastructure, volumes, backups, secrets or files.
 * The form of a row is said in commands.ts.
 */
export const infrastructure: string = String.raw`
terraform-destroy: destroy infrastructure
> terraform/tofu/terragrunt/cdktf destroy|run-all-destroy
! terraform destroy
= terraform plan
terraform-apply-destroy: destroy infrastructure
> terraform/tofu/terragrunt apply|plan +-destroy +--destroy
! terraform apply -destroy
= terraform show
terraform-auto-approve: change infrastructure with nobody asked
> terraform/tofu/terragrunt apply|run-all +-auto-approve +--auto-approve
>  +--terragrunt-non-interactive
! terraform -chdir=prod apply -input=false -auto-approve
= terraform plan -out=plan.bin
terraform-state-rm: lose track of infrastructure
> terraform/tofu/terragrunt state rm|push|replace-provider
! terraform state rm aws_db_instance.main
= terraform state list
terraform-force-unlock: break the lock of the state
> terraform/tofu/terragrunt force-unlock
! terraform force-unlock -force 1
= terraform validate
pulumi-destroy: destroy infrastructure
> pulumi destroy|dn
! pulumi destroy --yes
= pulumi preview
pulumi-up-yes: change infrastructure with nobody asked
> pulumi up|update +--yes +-y +--skip-preview
! pulumi up --yes
= pulumi stack ls
cdk-destroy: destroy infrastructure
> cdk destroy
! npx cdk destroy --all --force
= npx cdk diff
serverless-remove: remove a service
> serverless/sls/sst remove
! serverless remove --stage prod
= serverless info
kubectl-delete: delete from the cluster
> kubectl/oc delete
! kubectl -n prod delete pvc data-0
= kubectl get pvc
kubectl-replace-force: delete and create anew
> kubectl/oc replace +--force
! kubectl replace --force -f db.yaml
= kubectl diff -f db.yaml
kubectl-prune: delete what is not named
> kubectl/oc apply +--prune
! kubectl apply --prune -f . -l app=shop
= kubectl apply -f .
kubectl-drain: drain a node
> kubectl/oc drain
! kubectl drain node-1 --delete-emptydir-data
= kubectl top node
helm-uninstall: remove a release
> helm uninstall|delete|del
! helm uninstall shop
= helm list
docker-volumes: delete volumes
> docker/podman volume rm|prune
! docker volume rm pgdata
= docker volume ls
docker-prune: delete volumes
> docker/podman system prune +--volumes
! docker system prune -af --volumes
= docker system df
compose-down-volumes: delete volumes
> docker/docker-compose/podman-compose down|rm +-v +--volumes
! docker compose down -v
= docker compose down
aws-rds-delete: delete a database
> aws rds|docdb|neptune|redshift|elasticache delete-db-instance|delete-db-cluster
> |delete-db-snapshot|delete-db-cluster-snapshot|delete-cluster|delete-replication-group
> |delete-cache-cluster|delete-global-cluster|delete-db-instance-automated-backup
! aws rds delete-db-instance --db-instance-identifier prod --skip-final-snapshot
= aws rds describe-db-instances
aws-dynamodb-delete: delete a table
> aws dynamodb delete-table|delete-backup
! aws dynamodb delete-table --table-name users
= aws dynamodb list-tables
aws-s3-remove: delete objects
> aws s3|s3api rm|rb|delete-bucket|delete-objects|delete-object
! aws s3 rm s3://prod --recursive
= aws s3 ls s3://prod
aws-s3-sync-delete: delete objects
> aws s3 sync +--delete
! aws s3 sync . s3://prod --delete
= aws s3 sync . s3://prod
aws-terminate: delete machines or their disks
> aws ec2 terminate-instances|delete-volume|delete-snapshot|delete-vpc
! aws ec2 delete-volume --volume-id vol-1
= aws ec2 describe-volumes
aws-stack-delete: delete a stack
> aws cloudformation delete-stack|delete-stack-set
! aws cloudformation delete-stack --stack-name prod
= aws cloudformation list-stacks
aws-secrets-delete: delete keys or secrets
> aws secretsmanager|kms|ssm
>  delete-secret|schedule-key-deletion|delete-parameter|delete-parameters
! aws kms schedule-key-deletion --key-id 1
= aws kms list-keys
aws-backup-delete: delete backups
> aws backup delete-recovery-point|delete-backup-vault|delete-backup-plan
! aws backup delete-recovery-point --recovery-point-arn a
= aws backup list-backup-jobs
gcloud-delete: delete cloud resources
> gcloud delete
! gcloud sql instances delete prod --quiet
= gcloud sql instances list
gsutil-rm: delete objects
> gsutil rm|rb
! gsutil -m rm -r gs://prod
= gsutil ls gs://prod
gcloud-storage-rm: delete objects
> gcloud storage rm
! gcloud storage rm -r gs://prod
= gcloud storage ls
bq-rm: delete data sets
> bq rm
! bq rm -r -f shop
= bq ls
az-delete: delete cloud resources
> az delete|delete-batch|purge
! az postgres server delete -n prod -g shop --yes
= az postgres server list
railway-delete: delete a volume or service
> railway delete|remove|down
! railway volume delete --yes
= railway volume list
fly-destroy: delete an app or volume
> fly/flyctl destroy|delete
! fly volumes destroy vol_1 --yes
= fly volumes list
heroku-destroy: delete an app or its database
> heroku pg:reset|apps:destroy|addons:destroy|destroy|pg:copy|pg:backups:delete
! heroku pg:reset DATABASE_URL --confirm shop
= heroku pg:info
neon-delete: delete a branch or database
> neonctl/neon delete|reset|restore
! neonctl branches delete main
= neonctl branches list
planetscale-delete: delete a database or branch
> pscale delete
! pscale database delete shop --force
= pscale database list
doctl-delete: delete cloud resources
> doctl delete
! doctl databases delete 1 --force
= doctl databases list
vercel-remove: remove a project
> vercel/vc remove|rm
! vercel remove shop --yes
= vercel ls
wrangler-delete: delete a worker or its data
> wrangler delete|d1:delete
! npx wrangler d1 delete shop
= npx wrangler d1 list
wrangler-execute: run SQL that no dry run has seen
> wrangler d1 execute +--remote
! npx wrangler d1 execute shop --remote --file wipe.sql
= npx wrangler d1 execute shop --local --file seed.sql
convex-clear: replace production data
> convex import +--replace +--replace-all
! npx convex import --replace data.zip
= npx convex export
gh-delete: delete a repository or its settings
> gh repo|secret|variable|environment delete
! gh repo delete acme/shop --yes
= gh repo view acme/shop
rm-data: delete data files
> rm +~ +~/ +/ +/* +/var/lib/postgresql* +/var/lib/mysql* +/data* +/mnt* +/srv* +$home +$pgdata*
! sudo rm -rf /var/lib/postgresql/16
= rm -rf /var/lib/apt/lists/*
disk-wipe: overwrite a disk
> mkfs/mkfs.ext4/wipefs/shred
! wipefs -a /dev/sda
= lsblk
vault-delete: delete secrets
> vault delete|destroy|disable
! vault secrets disable kv
= vault status
kafka-delete: delete topics
> kafka-topics/kafka-topics.sh +--delete
! kafka-topics.sh --delete --topic orders
= kafka-topics.sh --list
eksctl-delete: delete a cluster
> eksctl/kops/kind/k3d delete
! eksctl delete cluster --name prod
= eksctl get cluster
nomad-purge: remove a job and its data
> nomad stop|delete +-purge +--purge +delete
! nomad job stop -purge shop-db
= nomad job status
avn-terminate: delete a service
> avn service|project terminate|delete
! avn service terminate shop-pg --force
= avn service list
scw-delete: delete cloud resources
> scw/hcloud/linode-cli/civo/exo/vultr-cli delete|remove|terminate
! scw rdb instance delete 11111111
= scw rdb instance list
oci-delete: delete cloud resources
> oci delete|terminate
! oci db system terminate --db-system-id x --force
= oci db system list
ibmcloud-delete: delete cloud resources
> ibmcloud service-instance-delete|delete|rm
! ibmcloud resource service-instance-delete shop-db -f
= ibmcloud resource service-instances
firebase-delete: delete data
> firebase firestore:delete|database:remove|firestore:databases:delete
! firebase firestore:delete --all-collections --force
= firebase firestore:indexes
amplify-delete: delete a backend
> amplify/copilot/ampx delete
! amplify delete --force
= amplify status
eb-terminate: delete machines or their disks
> eb terminate
! eb terminate prod --force
= eb status
cf-delete: delete an app or its service
> cf delete|delete-service|delete-space|delete-org|purge-service-instance
! cf delete-service shop-db -f
= cf services
netlify-delete: delete a site
> netlify/ntl sites:delete|blobs:delete
! netlify sites:delete 1 --force
= netlify sites:list
mc-remove: delete objects
> mc/mcli rb|rm
! mc rb --force prod/backups
= mc ls prod/backups
rclone-delete: delete objects
> rclone purge|delete|sync
! rclone purge remote:backups
= rclone lsd remote:backups
velero-delete: delete backups
> velero delete
! velero backup delete nightly --confirm
= velero backup get
zfs-destroy: destroy a volume
> zfs/zpool destroy
! zfs destroy -r tank/pg
= zfs list
etcd-delete: delete keys or secrets
> etcdctl del
! etcdctl del --prefix /
= etcdctl get --prefix /
rabbitmq-reset: delete queues and their messages
> rabbitmqctl reset|force_reset|delete_queue|purge_queue|delete_vhost
! rabbitmqctl force_reset
= rabbitmqctl list_queues
consul-delete: delete keys or secrets
> consul kv delete
! consul kv delete -recurse shop/
= consul kv get -recurse shop/
`;
