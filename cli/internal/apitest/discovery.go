package apitest

import (
	"maps"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func (s *Server) served() []kind {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return s.missing[k.Group] })
}

func (s *Server) groups() *metav1.APIGroupList {
	list := &metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	names := map[string]metav1.APIGroup{}
	for _, k := range s.served() {
		if k.Group != "" {
			version := metav1.GroupVersionForDiscovery{GroupVersion: k.GroupVersion().String(), Version: k.Version}
			names[k.Group] = metav1.APIGroup{Name: k.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list.Groups = append(list.Groups, names[name])
	}
	return list
}

func (s *Server) group(w http.ResponseWriter, name string) {
	for _, group := range s.groups().Groups {
		if group.Name == name {
			group.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
			reply(w, group, nil)
			return
		}
	}
	reply(w, nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, true))
}

func (s *Server) resources(gv schema.GroupVersion) *metav1.APIResourceList {
	list := &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String()}
	for _, k := range s.served() {
		if k.GroupVersion() == gv {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: k.plural, Namespaced: k.namespaced, Kind: k.Kind, Verbs: metav1.Verbs{"get", "list", "watch", "patch", "update"},
			})
		}
	}
	return list
}
