package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func newTemplate(merchant string) models.Template {
	return models.Template{
		MerchantID: merchant, Name: storetest.Name("template"), Kind: models.MessageRefund, Channels: []models.Channel{models.ViaEmail}, Locale: "de",
		Texts: map[string]models.Text{"de": {Subject: "s", Body: "b", HTML: "<p>"}},
	}
}

var templateAudit = models.AuditRecord{Action: "template.create"}

func TestTemplatesHaveVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		first, err := s.CreateTemplate(t.Context(), newTemplate(merchant), templateAudit)
		require.NoError(t, err)
		same := first
		same.Version = 0
		again, err := s.CreateTemplate(t.Context(), same, templateAudit)
		require.NoError(t, err)
		assert.Equal(t, first, again, "the same content is the same version")
		edited := first
		edited.Texts = map[string]models.Text{"de": {Subject: "neu", Body: "b"}}
		second, err := s.CreateTemplate(t.Context(), edited, templateAudit)
		require.NoError(t, err)
		assert.Equal(t, 2, second.Version)
		for version, want := range map[int]models.Template{0: second, 1: first, 2: second} {
			got, err := s.Template(t.Context(), first.ID, version)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
		_, err = s.Template(t.Context(), first.ID, 3)
		requireCode(t, models.CodeNotFound, err)
		other := edited
		other.MerchantID = "another"
		_, err = s.CreateTemplate(t.Context(), other, templateAudit)
		requireCode(t, models.CodeNotFound, err)
		other = edited
		other.ID = models.NewID(models.PrefixTemplate)
		_, err = s.CreateTemplate(t.Context(), other, templateAudit)
		requireCode(t, models.CodeNotFound, err, "an unknown one has no next version")
		third, err := s.CreateTemplate(t.Context(), newTemplate(merchant), templateAudit)
		require.NoError(t, err)
		list, err := s.Templates(t.Context(), store.Page{MerchantID: merchant, Limit: 9})
		require.NoError(t, err)
		assert.Equal(t, []models.Template{second, third}, list)
		log, err := s.AuditLog(t.Context(), first.ID)
		require.NoError(t, err)
		assert.Len(t, log, 2)
	})
}

func TestTemplatesAreBound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		template, err := s.CreateTemplate(t.Context(), newTemplate(merchant), templateAudit)
		require.NoError(t, err)
		bind := func(kind models.MessageKind, id string) error {
			_, err := s.BindTemplate(t.Context(), models.TemplateBinding{MerchantID: merchant, Kind: kind, TemplateID: id}, models.AuditRecord{Action: "template.bind"})
			return err
		}
		bound := func() []string {
			rows, err := s.TemplateBindings(t.Context(), merchant)
			require.NoError(t, err)
			return names(rows, func(b models.TemplateBinding) string { return fmt.Sprint(b.Kind, " ", b.TemplateID) })
		}
		requireCode(t, models.CodeNotFound, bind(models.MessageIssued, template.ID), "of another kind")
		requireCode(t, models.CodeNotFound, bind(models.MessageRefund, models.NewID(models.PrefixTemplate)))
		require.NoError(t, bind(models.MessageRefund, ""), "nothing was bound")
		for range 2 {
			require.NoError(t, bind(models.MessageRefund, template.ID))
			assert.Equal(t, []string{"refund " + template.ID}, bound())
		}
		require.NoError(t, bind(models.MessageRefund, ""))
		assert.Empty(t, bound())
		require.NoError(t, bind(models.MessageRefund, template.ID))
		log, err := s.AuditLog(t.Context(), template.ID)
		require.NoError(t, err)
		assert.Len(t, log, 4, "made, bound, taken away, bound")
	})
}

func templateTrials(_ *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		template := newTemplate("m1")
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.CreateTemplate(ctx, template, templateAudit)
			return fmt.Sprint(got.Version), err
		}
		trials[i].look = lookAt("SELECT t.version, a.action FROM templates t LEFT JOIN audit_log a ON a.subject = t.id WHERE t.name = ?", template.Name)
	}
	return trials
}

func bindTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		merchant := storetest.Name("m")
		template, err := w.s.CreateTemplate(w.t.Context(), newTemplate(merchant), templateAudit)
		require.NoError(w.t, err)
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			_, err := s.BindTemplate(ctx, models.TemplateBinding{MerchantID: merchant, Kind: template.Kind, TemplateID: template.ID}, models.AuditRecord{Action: "template.bind"})
			return "", err
		}
		trials[i].look = lookAt("SELECT seq FROM template_bindings WHERE merchant_id = ?", merchant)
	}
	return trials
}
