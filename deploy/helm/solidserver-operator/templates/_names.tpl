{{- define "solidserver-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Room for the longest ending of a name, "-dashboard", in a DNS label. */}}
{{- define "solidserver-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* As kustomize's generator does: another content is another name, and so a rollout. */}}
{{- define "solidserver-operator.configMapName" -}}
{{- printf "%s-%s" (include "solidserver-operator.fullname" .) (.Values.clusterName | sha256sum | trunc 8) }}
{{- end }}

{{- define "solidserver-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "solidserver-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* What does not change from version to version: a Deployment's selector cannot. */}}
{{- define "solidserver-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "solidserver-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "solidserver-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "solidserver-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: solidserver-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The repository with a digest, or else with a tag. */}}
{{- define "solidserver-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
