-- What Argo CD shows for DnsRecords and SolidServers; the conditions are those of kstatus.
local progressing = { status = "Progressing", message = "not yet seen by the operator" }
if obj.status == nil or obj.status.conditions == nil then
  return progressing
end
if obj.metadata.generation ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  progressing.message = "the last change is not yet seen by the operator"
  return progressing
end
local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function is(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end
local function because(kind)
  return conditions[kind].reason .. ": " .. conditions[kind].message
end
if is("Stalled") then
  return { status = "Degraded", message = because("Stalled") }
end
if is("Reconciling") then
  if conditions.Reconciling.reason == "Suspended" then
    return { status = "Suspended", message = because("Reconciling") }
  end
  return { status = "Progressing", message = because("Reconciling") }
end
if is("Ready") then
  return { status = "Healthy", message = conditions.Ready.message }
end
return progressing
