package webhook

import (
	"bytes"
	"encoding/json"

	"k8s.io/apimachinery/pkg/types"
)

// head is what a review says before its objects.
type head struct {
	uid       types.UID
	operation string
	namespace string
	name      string
}

// readHead reads what stands before a review's objects. The API server writes it in this order
// (admissionv1.AdmissionRequest). What is missing stays empty: a review that is incomplete is
// denied when it is decoded.
func readHead(body []byte) head {
	var h head
	decoder := json.NewDecoder(bytes.NewReader(body))
	if !enter(decoder) {
		return h
	}
	for decoder.More() {
		key, _ := decoder.Token()
		if key != "request" {
			if !skip(decoder) {
				return h
			}
			continue
		}
		if enter(decoder) {
			h.readRequest(decoder)
		}
		return h
	}
	return h
}

func (h *head) readRequest(decoder *json.Decoder) {
	for decoder.More() {
		key, _ := decoder.Token()
		var into *string
		switch key {
		case objectKey, oldObjectKey:
			return
		case "uid":
			into = (*string)(&h.uid)
		case "operation":
			into = &h.operation
		case "namespace":
			into = &h.namespace
		case "name":
			into = &h.name
		}
		if into == nil && !skip(decoder) || into != nil && decoder.Decode(into) != nil {
			return
		}
	}
}

// enter reads the brace that begins an object.
func enter(decoder *json.Decoder) bool {
	token, err := decoder.Token()
	return err == nil && token == json.Delim('{')
}

// skip reads one value.
func skip(decoder *json.Decoder) bool {
	var value json.RawMessage
	return decoder.Decode(&value) == nil
}
